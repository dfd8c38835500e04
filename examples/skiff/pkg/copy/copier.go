// Package copy copies one image, index or artifact from one repository to another:
// manifests byte for byte, blobs at most once, nothing that already stands.
package copy

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"skiff/pkg/registry"
)

const deepestIndex = 8 // indexes within indexes

// Outcome is how the copy of one image ended.
type Outcome string

const (
	Copied  Outcome = "copied"
	Skipped Outcome = "skipped" // the destination had this very manifest
	Failed  Outcome = "failed"
)

// Copier copies images. It is made for one process and shared by all its workers.
type Copier struct {
	Stats *Stats
	// Observe, when set, is told how each image ended and how long it took.
	Observe func(Outcome, time.Duration)

	client *registry.Client
	ledger *Ledger
	slots  chan struct{}
}

// New returns a copier with at most transfers requests for content under way at once.
// Retries are counted by the client's owner, who hands its OnRetry to the same Stats.
func New(client *registry.Client, transfers int, stats *Stats) *Copier {
	return &Copier{
		Stats:  stats,
		client: client,
		ledger: NewLedger(),
		slots:  make(chan struct{}, max(1, transfers)),
	}
}

// Copy copies what src names to dst and counts how it ended.
func (c *Copier) Copy(ctx context.Context, src, dst name.Reference) (Outcome, error) {
	start := time.Now()
	c.Stats.InFlight.Add(1)
	defer c.Stats.InFlight.Add(-1)

	outcome, err := c.manifest(ctx, src, dst, 0)
	switch {
	case err != nil:
		outcome = Failed
		c.Stats.Failed.Add(1)
	case outcome == Skipped:
		c.Stats.Skipped.Add(1)
	default:
		c.Stats.Copied.Add(1)
	}
	if c.Observe != nil {
		c.Observe(outcome, time.Since(start))
	}
	return outcome, err
}

// manifest copies a manifest after everything below it.
func (c *Copier) manifest(ctx context.Context, src, dst name.Reference, depth int) (Outcome, error) {
	if depth > deepestIndex {
		return Failed, fmt.Errorf("%s: indexes are nested more than %d deep", src, deepestIndex)
	}
	m, standing, err := c.compare(ctx, src, dst)
	if err != nil {
		return Failed, err
	}
	if want, ok := dst.(name.Digest); ok && want.DigestStr() != m.Digest.String() {
		return Failed, fmt.Errorf("the destination asks for %s, the source is %s", want.DigestStr(), m.Digest)
	}
	if standing == m.Digest {
		return Skipped, nil
	}
	plan, err := PlanManifest(m)
	if err != nil {
		return Failed, err
	}
	c.Stats.Foreign.Add(int64(plan.Foreign))

	g, below := errgroup.WithContext(ctx)
	for _, b := range plan.Blobs {
		g.Go(func() error { return c.blob(below, src.Context(), dst.Context(), b) })
	}
	for _, child := range plan.Children {
		g.Go(func() error {
			digest := child.String()
			_, err := c.manifest(below, src.Context().Digest(digest), dst.Context().Digest(digest), depth+1)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return Failed, err
	}
	if err := c.slot(ctx); err != nil {
		return Failed, err
	}
	defer c.free()
	if err := c.client.PutManifest(ctx, dst, m); err != nil {
		return Failed, err
	}
	c.Stats.Manifests.Add(1)
	return Copied, nil
}

// compare reads the source's manifest while it asks what stands at the destination.
func (c *Copier) compare(ctx context.Context, src, dst name.Reference) (m *registry.Manifest, standing v1.Hash, err error) {
	if err := c.slot(ctx); err != nil {
		return nil, v1.Hash{}, err
	}
	defer c.free()
	g, both := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		m, err = c.client.GetManifest(both, src)
		return err
	})
	g.Go(func() (err error) {
		standing, _, err = c.client.HeadManifest(both, dst)
		return err
	})
	return m, standing, g.Wait()
}

// blob makes a blob stand in the destination repository by the cheapest way there is.
func (c *Copier) blob(ctx context.Context, src, dst name.Repository, b Blob) (err error) {
	action, from, err := c.ledger.Claim(ctx, dst, b.Digest)
	if err != nil {
		return err
	}
	if action == Nothing {
		c.Stats.Existing.Add(1)
		c.Stats.ExistingBytes.Add(b.Size)
		return nil
	}
	defer func() { c.ledger.Done(dst, b.Digest, err == nil) }()
	if err := c.slot(ctx); err != nil {
		return err
	}
	defer c.free()

	if action == Mount {
		mounted, err := c.client.MountBlob(ctx, dst, from, b.Digest)
		if err != nil {
			return err
		}
		if mounted {
			c.Stats.Mounted.Add(1)
			c.Stats.MountedBytes.Add(b.Size)
			return nil
		}
	}
	found, err := c.client.HasBlob(ctx, dst, b.Digest)
	if err != nil {
		return err
	}
	if found {
		c.Stats.Existing.Add(1)
		c.Stats.ExistingBytes.Add(b.Size)
		return nil
	}
	if err := c.client.CopyBlob(ctx, src, dst, b.Digest, b.Size); err != nil {
		return err
	}
	c.Stats.Blobs.Add(1)
	c.Stats.Bytes.Add(b.Size)
	return nil
}

func (c *Copier) slot(ctx context.Context) error {
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Copier) free() { <-c.slots }
