package regtest

import (
	"encoding/json"
	"math/rand/v2"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Descriptor is a reference from a manifest to content.
type Descriptor struct {
	MediaType types.MediaType `json:"mediaType"`
	Digest    string          `json:"digest"`
	Size      int64           `json:"size"`
	URLs      []string        `json:"urls,omitempty"`
}

// Random returns bytes that depend on the seed alone.
func Random(seed uint64, size int) []byte {
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24), byte(seed >> 32)})
	content := make([]byte, size)
	_, _ = source.Read(content) // never fails
	return content
}

// PutLayer stores random content as a layer.
func (r *Registry) PutLayer(repo string, mediaType types.MediaType, seed uint64, size int) Descriptor {
	return Descriptor{MediaType: mediaType, Digest: r.PutBlob(repo, Random(seed, size)), Size: int64(size)}
}

// PutImage stores a manifest of mediaType over layers with a config of its own, under tag
// unless that is empty.
func (r *Registry) PutImage(repo, tag string, mediaType types.MediaType, layers ...Descriptor) Descriptor {
	configType := types.OCIConfigJSON
	if mediaType == types.DockerManifestSchema2 {
		configType = types.DockerConfigJSON
	}
	config := mustJSON(map[string]any{"architecture": "amd64", "os": "linux", "layers": layers, "for": repo})
	raw := mustJSON(map[string]any{
		"schemaVersion": 2,
		"mediaType":     mediaType,
		"config":        Descriptor{MediaType: configType, Digest: r.PutBlob(repo, config), Size: int64(len(config))},
		"layers":        layers,
	})
	return Descriptor{MediaType: mediaType, Digest: r.PutManifest(repo, tag, string(mediaType), raw), Size: int64(len(raw))}
}

// PutIndex stores an index over manifests that stand in the repository.
func (r *Registry) PutIndex(repo, tag string, mediaType types.MediaType, manifests ...Descriptor) Descriptor {
	raw := mustJSON(map[string]any{"schemaVersion": 2, "mediaType": mediaType, "manifests": manifests})
	return Descriptor{MediaType: mediaType, Digest: r.PutManifest(repo, tag, string(mediaType), raw), Size: int64(len(raw))}
}

// PutRandomImage stores an OCI image with layers of random content.
func (r *Registry) PutRandomImage(repo, tag string, seed uint64, layers, size int) Descriptor {
	descriptors := make([]Descriptor, layers)
	for i := range descriptors {
		descriptors[i] = r.PutLayer(repo, types.OCILayer, seed<<8+uint64(i), size)
	}
	return r.PutImage(repo, tag, types.OCIManifestSchema1, descriptors...)
}

func mustJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // the values above can all be written as JSON
	}
	return raw
}

// Ref is a reference to an identifier, ":tag" or "@digest", of one of the registry's repositories.
func (r *Registry) Ref(repo, identifier string) name.Reference {
	ref, err := name.ParseReference(r.Host + "/" + repo + identifier)
	if err != nil {
		panic(err) // a mistake in the test
	}
	return ref
}

// Name is the registry itself.
func (r *Registry) Name() name.Registry {
	return r.Ref("any", "").Context().Registry
}
