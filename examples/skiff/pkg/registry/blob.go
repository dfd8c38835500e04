package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

func pullScope(repo name.Repository) []string { return []string{repo.Scope(transport.PullScope)} }
func pushScope(repo name.Repository) []string { return []string{repo.Scope(transport.PushScope)} }

// HasBlob asks a repository that is written to whether a blob stands in it.
func (c *Client) HasBlob(ctx context.Context, repo name.Repository, digest v1.Hash) (found bool, err error) {
	err = c.retry(ctx, 0, func(ctx context.Context) error {
		u := c.url(repo.Registry, "%s/blobs/%s", repo.RepositoryStr(), digest)
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, u, nil)
		if err != nil {
			return err
		}
		resp, err := c.do(req, repo, pushScope(repo), http.StatusOK, http.StatusNotFound)
		if err != nil {
			return err
		}
		discard(resp)
		found = resp.StatusCode == http.StatusOK
		return nil
	})
	return found, err
}

// MountBlob asks a registry to take a blob into repo from another of its repositories.
// It reports false when the registry would rather have the bytes.
func (c *Client) MountBlob(ctx context.Context, repo, from name.Repository, digest v1.Hash) (mounted bool, err error) {
	err = c.retry(ctx, 0, func(ctx context.Context) error {
		query := url.Values{"mount": {digest.String()}, "from": {from.RepositoryStr()}}
		u := c.url(repo.Registry, "%s/blobs/uploads/?%s", repo.RepositoryStr(), query.Encode())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, u, nil)
		if err != nil {
			return err
		}
		scopes := append(pushScope(repo), pullScope(from)...)
		resp, err := c.do(req, repo, scopes, http.StatusCreated, http.StatusAccepted)
		if err != nil {
			return err
		}
		discard(resp)
		// On 202 an upload was opened instead; the registry purges it when it is not used.
		mounted = resp.StatusCode == http.StatusCreated
		return nil
	})
	var status *StatusError
	if errors.As(err, &status) && status.Status >= 400 && status.Status < 500 {
		return false, nil // a registry without mounts, or one that may not read the other repository
	}
	return mounted, err
}

// CopyBlob streams a blob from one repository to another, its size and digest checked on
// the way. A try that fails starts over from the source.
func (c *Client) CopyBlob(ctx context.Context, from, to name.Repository, digest v1.Hash, size int64) error {
	return c.retry(ctx, size, func(ctx context.Context) error {
		body, err := c.openBlob(ctx, from, digest, size)
		if err != nil {
			return err
		}
		defer body.Close()
		return c.uploadBlob(ctx, to, digest, size, body)
	})
}

// ReadBlob hands a verified blob to use; the reader is valid until use returns. When an
// attempt fails part-way, use is called again with the blob from its start.
func (c *Client) ReadBlob(ctx context.Context, repo name.Repository, digest v1.Hash, size int64, use func(io.Reader) error) error {
	return c.retry(ctx, size, func(ctx context.Context) error {
		body, err := c.openBlob(ctx, repo, digest, size)
		if err != nil {
			return err
		}
		defer body.Close()
		return use(body)
	})
}

func (c *Client) openBlob(ctx context.Context, repo name.Repository, digest v1.Hash, size int64) (io.ReadCloser, error) {
	u := c.url(repo.Registry, "%s/blobs/%s", repo.RepositoryStr(), digest)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.do(req, repo, pullScope(repo), http.StatusOK)
	if err != nil {
		return nil, err
	}
	if resp.ContentLength >= 0 && resp.ContentLength != size {
		resp.Body.Close()
		return nil, &PermanentError{fmt.Errorf("GET %s: %d bytes where the descriptor says %d", u, resp.ContentLength, size)}
	}
	body, err := NewVerifyReader(resp.Body, size, digest)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	return body, nil
}

// uploadBlob pushes in two requests: one that opens the upload, one with all the bytes.
func (c *Client) uploadBlob(ctx context.Context, repo name.Repository, digest v1.Hash, size int64, body io.ReadCloser) error {
	u := c.url(repo.Registry, "%s/blobs/uploads/", repo.RepositoryStr())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u, nil)
	if err != nil {
		return err
	}
	resp, err := c.do(req, repo, pushScope(repo), http.StatusAccepted)
	if err != nil {
		return err
	}
	discard(resp)
	location, err := resp.Location()
	if err != nil {
		return fmt.Errorf("POST %s: %w", u, err)
	}
	query := location.Query()
	query.Set("digest", digest.String())
	location.RawQuery = query.Encode()

	if size == 0 { // net/http takes a length of 0 beside a body for "unknown"
		if _, err := io.Copy(io.Discard, body); err != nil {
			return err
		}
		body = http.NoBody
	}
	req, err = http.NewRequestWithContext(ctx, http.MethodPut, location.String(), body)
	if err != nil {
		return err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err = c.do(req, repo, pushScope(repo), http.StatusCreated)
	if err != nil {
		return err
	}
	discard(resp)
	return nil
}
