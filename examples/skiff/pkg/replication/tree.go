// Package replication copies whole trees of repositories: every tag of every repository
// below a prefix, several at a time.
package replication

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/sync/errgroup"

	"skiff/pkg/copy"
	"skiff/pkg/registry"
)

// Options say what to replicate and where to.
type Options struct {
	Source, Destination             name.Registry
	SourcePrefix, DestinationPrefix string // repository paths, "" for the whole registry
	Workers                         int    // images copied at once
	Tags                            TagFilter
	// OnImage, when set, is told how each image ended; calls may overlap.
	OnImage func(src, dst string, outcome copy.Outcome, err error)
}

// Tree replicates. It goes on past an image that fails and returns an error only when it
// could not find out what there is to copy; failures are counted in the copier's Stats
// and told to OnImage.
func Tree(ctx context.Context, client *registry.Client, copier *copy.Copier, o Options) error {
	all, err := client.Catalog(ctx, o.Source)
	if err != nil {
		return fmt.Errorf("listing the repositories of %s: %w", o.Source, err)
	}
	type repository struct{ src, dst name.Repository }
	var repositories []repository
	for _, path := range all {
		to, ok := MapRepository(path, o.SourcePrefix, o.DestinationPrefix)
		if ok {
			repositories = append(repositories, repository{o.Source.Repo(path), o.Destination.Repo(to)})
		}
	}
	if len(repositories) == 0 {
		return fmt.Errorf("%s has no repository below %q", o.Source, o.SourcePrefix)
	}

	workers := max(1, o.Workers)
	type image struct{ src, dst name.Tag }
	images := make(chan image, workers)
	fail := func(src, dst string, err error) {
		copier.Stats.Failed.Add(1)
		if o.OnImage != nil {
			o.OnImage(src, dst, copy.Failed, err)
		}
	}

	var listing errgroup.Group
	listing.SetLimit(workers)
	go func() {
		defer close(images)
		for _, r := range repositories {
			listing.Go(func() error {
				tags, err := client.Tags(ctx, r.src)
				if err != nil {
					fail(r.src.String(), r.dst.String(), fmt.Errorf("listing its tags: %w", err))
					return nil
				}
				for _, tag := range o.Tags.Select(tags) {
					select {
					case images <- image{r.src.Tag(tag), r.dst.Tag(tag)}:
					case <-ctx.Done():
						return nil
					}
				}
				return nil
			})
		}
		_ = listing.Wait() // failures have been told one by one
	}()

	var copying sync.WaitGroup
	for range workers {
		copying.Go(func() {
			for i := range images {
				if ctx.Err() != nil {
					continue // drain, so that listing ends
				}
				outcome, err := copier.Copy(ctx, i.src, i.dst)
				if o.OnImage != nil {
					o.OnImage(i.src.String(), i.dst.String(), outcome, err)
				}
			}
		})
	}
	copying.Wait()
	return context.Cause(ctx)
}
