package registry

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ArtifactManifest is OCI 1.1's withdrawn type for artifacts, still found in registries.
const ArtifactManifest types.MediaType = "application/vnd.oci.artifact.manifest.v1+json"

const manifestLimit = 32 << 20 // bytes

var accept = strings.Join([]string{
	string(types.OCIManifestSchema1), string(types.OCIImageIndex),
	string(types.DockerManifestSchema2), string(types.DockerManifestList),
	string(ArtifactManifest),
}, ", ")

// Manifest is a manifest as the registry holds it, byte for byte.
type Manifest struct {
	MediaType types.MediaType
	Digest    v1.Hash
	Raw       []byte
}

// GetManifest reads a manifest. One asked for by digest must have it.
func (c *Client) GetManifest(ctx context.Context, ref name.Reference) (m *Manifest, err error) {
	repo := ref.Context()
	err = c.retry(ctx, 0, func(ctx context.Context) error {
		u := c.url(repo.Registry, "%s/manifests/%s", repo.RepositoryStr(), ref.Identifier())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept", accept)
		resp, err := c.do(req, repo, pullScope(repo), http.StatusOK)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(io.LimitReader(resp.Body, manifestLimit+1))
		if err != nil {
			return fmt.Errorf("GET %s: %w", u, err)
		}
		if len(raw) > manifestLimit {
			return &PermanentError{fmt.Errorf("GET %s: a manifest of over %d bytes", u, manifestLimit)}
		}
		m, err = NewManifest(raw, resp.Header.Get("Content-Type"), ref)
		return err
	})
	return m, err
}

// NewManifest makes a manifest of what a registry answered when asked for ref.
func NewManifest(raw []byte, contentType string, ref name.Reference) (*Manifest, error) {
	algorithm := "sha256"
	byDigest, ok := ref.(name.Digest)
	if ok {
		algorithm, _, _ = strings.Cut(byDigest.DigestStr(), ":")
	}
	h, err := v1.Hasher(algorithm)
	if err != nil {
		return nil, &PermanentError{fmt.Errorf("%s: %w", ref, err)}
	}
	h.Write(raw)
	digest := v1.Hash{Algorithm: algorithm, Hex: hex.EncodeToString(h.Sum(nil))}
	if ok && digest.String() != byDigest.DigestStr() {
		return nil, &PermanentError{fmt.Errorf("%s: the manifest's digest is %s", ref, digest)}
	}
	return &Manifest{MediaType: mediaType(contentType, raw), Digest: digest, Raw: raw}, nil
}

// mediaType believes the header, unless it says no more than "bytes" or "JSON".
func mediaType(header string, raw []byte) types.MediaType {
	if t, _, err := mime.ParseMediaType(header); err == nil && strings.HasPrefix(t, "application/vnd.") {
		return types.MediaType(t)
	}
	var body struct {
		MediaType types.MediaType `json:"mediaType"`
	}
	if err := json.Unmarshal(raw, &body); err != nil || body.MediaType == "" {
		return types.OCIManifestSchema1
	}
	return body.MediaType
}

// HeadManifest reports the digest that stands at a destination, and whether any does.
// A registry that does not tell digests gives the zero digest.
func (c *Client) HeadManifest(ctx context.Context, ref name.Reference) (digest v1.Hash, found bool, err error) {
	repo := ref.Context()
	err = c.retry(ctx, 0, func(ctx context.Context) error {
		u := c.url(repo.Registry, "%s/manifests/%s", repo.RepositoryStr(), ref.Identifier())
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, u, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept", accept)
		resp, err := c.do(req, repo, pushScope(repo), http.StatusOK, http.StatusNotFound)
		if err != nil {
			return err
		}
		discard(resp)
		found = resp.StatusCode == http.StatusOK
		if digest, err = v1.NewHash(resp.Header.Get("Docker-Content-Digest")); err != nil {
			digest = v1.Hash{}
		}
		return nil
	})
	return digest, found, err
}

// PutManifest pushes a manifest; all it names must stand in the repository already.
func (c *Client) PutManifest(ctx context.Context, ref name.Reference, m *Manifest) error {
	repo := ref.Context()
	return c.retry(ctx, int64(len(m.Raw)), func(ctx context.Context) error {
		u := c.url(repo.Registry, "%s/manifests/%s", repo.RepositoryStr(), ref.Identifier())
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, u, bytes.NewReader(m.Raw))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", string(m.MediaType))
		resp, err := c.do(req, repo, pushScope(repo), http.StatusCreated, http.StatusOK, http.StatusAccepted)
		if err != nil {
			return err
		}
		discard(resp)
		got, err := v1.NewHash(resp.Header.Get("Docker-Content-Digest"))
		if err == nil && got.Algorithm == m.Digest.Algorithm && got != m.Digest {
			return &PermanentError{fmt.Errorf("PUT %s: the registry stored %s instead of %s", u, got, m.Digest)}
		}
		return nil
	})
}
