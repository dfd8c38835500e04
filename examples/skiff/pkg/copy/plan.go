package copy

import (
	"encoding/json"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"skiff/pkg/registry"
)

// Blob is content a manifest names: a config, a layer, or a part of an artifact.
type Blob struct {
	Digest v1.Hash
	Size   int64
}

// Plan is what must stand in a repository before a manifest may be pushed to it.
type Plan struct {
	Blobs    []Blob    // each once, largest first, so that the longest transfer starts first
	Children []v1.Hash // manifests, in their order
	Foreign  int       // layers that are fetched from elsewhere and never copied
	Bytes    int64     // of Blobs
}

type descriptor struct {
	MediaType types.MediaType `json:"mediaType"`
	Digest    v1.Hash         `json:"digest"`
	Size      int64           `json:"size"`
}

// PlanManifest reads a manifest of any supported type: an image, an index, an artifact.
func PlanManifest(m *registry.Manifest) (Plan, error) {
	if m.MediaType.IsSchema1() {
		return Plan{}, fmt.Errorf("%s: the retired Docker schema 1 cannot be copied", m.Digest)
	}
	var body struct {
		Config    *descriptor  `json:"config"`
		Layers    []descriptor `json:"layers"`
		Blobs     []descriptor `json:"blobs"`
		Manifests []descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(m.Raw, &body); err != nil {
		return Plan{}, fmt.Errorf("%s: not a manifest: %w", m.Digest, err)
	}
	contents := append(body.Layers, body.Blobs...)
	if body.Config != nil {
		contents = append(contents, *body.Config)
	}
	if !m.MediaType.IsIndex() && len(contents) == 0 {
		return Plan{}, fmt.Errorf("%s: a manifest of type %q that names no content", m.Digest, m.MediaType)
	}

	plan := Plan{Blobs: make([]Blob, 0, len(contents))}
	seen := make(map[v1.Hash]struct{}, len(contents)+len(body.Manifests))
	first := func(d descriptor) (bool, error) {
		if d.Digest.Hex == "" || d.Size < 0 {
			return false, fmt.Errorf("%s: a descriptor with digest %q and size %d", m.Digest, d.Digest, d.Size)
		}
		_, again := seen[d.Digest]
		seen[d.Digest] = struct{}{}
		return !again, nil
	}
	for _, d := range body.Manifests {
		if !isManifest(d.MediaType) {
			contents = append(contents, d)
			continue
		}
		fresh, err := first(d)
		if err != nil {
			return Plan{}, err
		}
		if fresh {
			plan.Children = append(plan.Children, d.Digest)
		}
	}
	for _, d := range contents {
		if !d.MediaType.IsDistributable() {
			plan.Foreign++
			continue
		}
		fresh, err := first(d)
		if err != nil {
			return Plan{}, err
		}
		if fresh {
			plan.Blobs = append(plan.Blobs, Blob{d.Digest, d.Size})
			plan.Bytes += d.Size
		}
	}
	slices.SortStableFunc(plan.Blobs, func(a, b Blob) int {
		switch {
		case a.Size > b.Size:
			return -1
		case a.Size < b.Size:
			return 1
		}
		return 0
	})
	return plan, nil
}

func isManifest(t types.MediaType) bool {
	return t == "" || t.IsImage() || t.IsIndex() || t.IsSchema1() || t == registry.ArtifactManifest
}
