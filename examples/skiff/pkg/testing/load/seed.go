// Package load puts a real load on a replicator: it fills a registry with images of random
// content, replicates them, and believes only what the destination then hands out.
package load

import (
	"context"
	"fmt"
	"math/rand"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"
)

// Image says what to put under one reference. Content follows from Seed alone, so that
// seeding twice changes nothing.
type Image struct {
	Repository string
	Tags       []string
	Layers     int64
	LayerBytes int64
	Children   int64 // above 0: an index of so many images
	Base       int64 // a layer of this seed below the others, the same wherever it is named; 0 for none
	Seed       int64
}

// ProjectTree is the tree of repositories that the integration tests expect:
// project-{a,b,c}/service-{1,2,3,4}, where service-4 is an index.
func ProjectTree() []Image {
	var images []Image
	for p, project := range []string{"a", "b", "c"} {
		for service := 1; service <= 4; service++ {
			for version, tags := range [][]string{{"v1.0"}, {"v1.1", "latest"}} {
				i := Image{
					Repository: fmt.Sprintf("project-%s/service-%d", project, service),
					Tags:       tags,
					Layers:     2,
					LayerBytes: 32 << 10,
					Base:       int64(1000 + p),
					Seed:       int64(10000*p + 100*service + version + 1),
				}
				if service == 4 {
					i.Children = 2
				}
				images = append(images, i)
			}
		}
	}
	return images
}

// Bulk is one repository with so many images, each unlike all others.
func Bulk(prefix string, images int, layers, layerBytes, seed int64) []Image {
	all := make([]Image, images)
	for i := range all {
		all[i] = Image{
			Repository: fmt.Sprintf("%s/image-%d", prefix, i),
			Tags:       []string{"v1"},
			Layers:     layers,
			LayerBytes: layerBytes,
			Seed:       seed + int64(i),
		}
	}
	return all
}

// Push puts the images into a registry that speaks plain HTTP.
func Push(ctx context.Context, host string, images []Image) error {
	pusher, err := remote.NewPusher(remote.WithContext(ctx))
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, i := range images {
		g.Go(func() error { return i.push(ctx, pusher, host) })
	}
	return g.Wait()
}

func (i Image) push(ctx context.Context, pusher *remote.Pusher, host string) error {
	content, err := i.Content()
	if err != nil {
		return err
	}
	for _, tag := range i.Tags {
		ref, err := name.ParseReference(fmt.Sprintf("%s/%s:%s", host, i.Repository, tag), name.Insecure)
		if err != nil {
			return err
		}
		if err := pusher.Push(ctx, ref, content); err != nil {
			return fmt.Errorf("seeding %s: %w", ref, err)
		}
	}
	return nil
}

// Content makes the image or index.
func (i Image) Content() (remote.Taggable, error) {
	source := rand.New(rand.NewSource(i.Seed)) //nolint:gosec // content, not a secret
	if i.Children == 0 {
		return i.image(source)
	}
	var index v1.ImageIndex = mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for range i.Children {
		image, err := i.image(source)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image})
	}
	return index, nil
}

func (i Image) image(source rand.Source) (v1.Image, error) {
	image, err := random.Image(i.LayerBytes, i.Layers, random.WithSource(source))
	if err != nil || i.Base == 0 {
		return image, err
	}
	base, err := random.Layer(i.LayerBytes, types.DockerLayer, random.WithSource(rand.NewSource(i.Base)))
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(image, base)
}
