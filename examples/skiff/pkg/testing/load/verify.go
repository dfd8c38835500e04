package load

import (
	"context"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"

	"skiff/pkg/copy"
	"skiff/pkg/registry"
)

// Verified is what was read back from a destination and found right.
type Verified struct {
	Manifests, Blobs int
	Bytes            int64
}

// Verify reads an image, index or artifact back from the destination, all of it, and
// fails unless every manifest and blob has the digest that the source's has.
func Verify(ctx context.Context, client *registry.Client, src, dst name.Reference) (Verified, error) {
	want, err := client.GetManifest(ctx, src)
	if err != nil {
		return Verified{}, fmt.Errorf("source: %w", err)
	}
	got, err := client.GetManifest(ctx, dst)
	if err != nil {
		return Verified{}, fmt.Errorf("destination: %w", err)
	}
	if got.Digest != want.Digest || got.MediaType != want.MediaType {
		return Verified{}, fmt.Errorf("%s is %s (%s), its source %s (%s)", dst, got.Digest, got.MediaType, want.Digest, want.MediaType)
	}
	var v Verified
	err = v.below(ctx, client, dst.Context(), got)
	return v, err
}

func (v *Verified) below(ctx context.Context, client *registry.Client, repo name.Repository, m *registry.Manifest) error {
	v.Manifests++
	plan, err := copy.PlanManifest(m)
	if err != nil {
		return err
	}
	for _, digest := range plan.Children {
		child, err := client.GetManifest(ctx, repo.Digest(digest.String()))
		if err != nil {
			return err
		}
		if err := v.below(ctx, client, repo, child); err != nil {
			return err
		}
	}
	for _, b := range plan.Blobs {
		err := client.ReadBlob(ctx, repo, b.Digest, b.Size, func(r io.Reader) error {
			_, err := io.Copy(io.Discard, r)
			return err
		})
		if err != nil {
			return err
		}
		v.Blobs++
		v.Bytes += b.Size
	}
	return nil
}
