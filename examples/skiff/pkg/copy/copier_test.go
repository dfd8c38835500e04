package copy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"skiff/internal/regtest"
	"skiff/pkg/copy"
	"skiff/pkg/registry"
	"skiff/pkg/testing/load"
)

// world is a source, a destination and a copier between them.
type world struct {
	*testing.T
	src, dst *regtest.Registry
	client   *registry.Client
	stats    copy.Stats
	copier   *copy.Copier
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, src: regtest.New(), dst: regtest.New()}
	t.Cleanup(w.src.Close)
	t.Cleanup(w.dst.Close)
	w.client = registry.NewClient(registry.Options{
		Backoff: time.Millisecond,
		OnRetry: func() { w.stats.Retries.Add(1) },
	})
	t.Cleanup(w.client.Close)
	w.copier = copy.New(w.client, 4, &w.stats)
	return w
}

// copy copies src a:v1 to the named repository and verifies what arrived.
func (w *world) copy(repo string) {
	w.Helper()
	if outcome, err := w.copier.Copy(w.Context(), w.src.Ref("a", ":v1"), w.dst.Ref(repo, ":v1")); err != nil {
		w.Fatal(outcome, err)
	}
	if _, err := load.Verify(w.Context(), w.client, w.src.Ref("a", ":v1"), w.dst.Ref(repo, ":v1")); err != nil {
		w.Fatal(err)
	}
}

func (w *world) expect(what string, got *atomic.Int64, want int64) {
	w.Helper()
	if got.Load() != want {
		w.Errorf("%s: %d instead of %d", what, got.Load(), want)
	}
}

func TestAnImageArrivesByteForByte(t *testing.T) {
	for _, mediaType := range []types.MediaType{types.OCIManifestSchema1, types.DockerManifestSchema2} {
		t.Run(string(mediaType), func(t *testing.T) {
			w := newWorld(t)
			image := w.src.PutImage("a", "v1", mediaType,
				w.src.PutLayer("a", types.DockerLayer, 1, 5000),
				w.src.PutLayer("a", types.OCIUncompressedLayer, 2, 100),
				w.src.PutLayer("a", types.OCILayerZStd, 3, 0),
				w.src.PutLayer("a", types.DockerLayer, 1, 5000)) // again
			w.copy("b")
			digest, found, err := w.client.HeadManifest(t.Context(), w.dst.Ref("b", ":v1"))
			if err != nil || !found || digest.String() != image.Digest {
				t.Error(digest, found, err)
			}
			w.expect("images copied", &w.stats.Copied, 1)
			w.expect("blobs moved", &w.stats.Blobs, 4)
			w.expect("retries", &w.stats.Retries, 0)
		})
	}
}

func TestAnIndexArrivesWithAllBelowIt(t *testing.T) {
	for _, mediaType := range []types.MediaType{types.OCIImageIndex, types.DockerManifestList} {
		t.Run(string(mediaType), func(t *testing.T) {
			w := newWorld(t)
			inner := w.src.PutIndex("a", "", mediaType,
				w.src.PutRandomImage("a", "", 1, 2, 100), w.src.PutRandomImage("a", "", 2, 2, 100))
			w.src.PutIndex("a", "v1", mediaType, inner, w.src.PutRandomImage("a", "", 3, 1, 100))
			w.copy("b")
			w.expect("manifests pushed", &w.stats.Manifests, 5)
			w.expect("images copied", &w.stats.Copied, 1)
		})
	}
}

func TestAnArtifactArrives(t *testing.T) {
	w := newWorld(t)
	content := w.src.PutLayer("a", "application/vnd.example.sbom+json", 1, 300)
	empty := w.src.PutBlob("a", []byte("{}"))
	subject := w.src.PutRandomImage("a", "", 9, 1, 10)
	raw := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"artifactType":"application/vnd.example.sbom",
		"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":%q,"size":2},
		"layers":[{"mediaType":%q,"digest":%q,"size":300}],
		"subject":{"mediaType":%q,"digest":%q,"size":%d},"annotations":{"kept":"as it is"}}`,
		types.OCIManifestSchema1, empty, content.MediaType, content.Digest, subject.MediaType, subject.Digest, subject.Size)
	w.src.PutManifest("a", "v1", string(types.OCIManifestSchema1), []byte(raw))
	w.copy("b")
	w.expect("blobs moved", &w.stats.Blobs, 2)
}

func TestForeignLayersStayWhereTheyAre(t *testing.T) {
	w := newWorld(t)
	foreign := regtest.Descriptor{
		MediaType: types.DockerForeignLayer, Size: 100,
		Digest: "sha256:" + strings.Repeat("f", 64), URLs: []string{"https://layers.example/f"},
	}
	w.src.PutImage("a", "v1", types.DockerManifestSchema2, foreign, w.src.PutLayer("a", types.DockerLayer, 1, 100))
	w.copy("b")
	w.expect("foreign", &w.stats.Foreign, 1)
	w.expect("blobs moved", &w.stats.Blobs, 2)
}

func TestWhatAlreadyStandsCostsTwoRequests(t *testing.T) {
	w := newWorld(t)
	w.src.PutRandomImage("a", "v1", 1, 3, 100)
	w.copy("b")
	w.src.Record()
	w.dst.Record()
	outcome, err := w.copier.Copy(t.Context(), w.src.Ref("a", ":v1"), w.dst.Ref("b", ":v1"))
	if err != nil || outcome != copy.Skipped {
		t.Fatal(outcome, err)
	}
	if !slices.Equal(w.src.Requests(), []string{"GET /v2/a/manifests/v1"}) || !slices.Equal(w.dst.Requests(), []string{"HEAD /v2/b/manifests/v1"}) {
		t.Error(w.src.Requests(), w.dst.Requests())
	}
	w.expect("images skipped", &w.stats.Skipped, 1)
	w.expect("images copied", &w.stats.Copied, 1)
}

func TestATagThatMovedIsCopiedAgain(t *testing.T) {
	w := newWorld(t)
	base := w.src.PutLayer("a", types.OCILayer, 1, 1000)
	w.src.PutImage("a", "v1", types.OCIManifestSchema1, base)
	w.copy("b")
	w.src.PutImage("a", "v1", types.OCIManifestSchema1, base, w.src.PutLayer("a", types.OCILayer, 2, 1000))
	w.copy("b")
	w.expect("images copied", &w.stats.Copied, 2)
	w.expect("blobs known to stand", &w.stats.Existing, 1) // the base layer
}

func TestBlobsOfAnEarlierProcessAreNotMovedAgain(t *testing.T) {
	w := newWorld(t)
	layer := w.src.PutLayer("a", types.OCILayer, 1, 1000)
	w.src.PutImage("a", "v1", types.OCIManifestSchema1, layer)
	w.dst.PutBlob("b", regtest.Random(1, 1000))
	w.dst.Record()
	w.copy("b")
	w.expect("blobs found", &w.stats.Existing, 1)
	w.expect("bytes found", &w.stats.ExistingBytes, 1000)
	w.expect("blobs moved", &w.stats.Blobs, 1) // the config
	if n := w.dst.Count(http.MethodPut, "/blobs/"); n != 1 {
		t.Errorf("%d uploads", n)
	}
}

func TestABlobPutElsewhereAtTheDestinationIsMounted(t *testing.T) {
	w := newWorld(t)
	w.src.PutRandomImage("a", "v1", 1, 2, 1000)
	w.copy("b")
	w.src.Record()
	w.dst.Record()
	if _, err := w.copier.Copy(t.Context(), w.src.Ref("a", ":v1"), w.dst.Ref("c", ":v1")); err != nil {
		t.Fatal(err)
	}
	w.expect("blobs mounted", &w.stats.Mounted, 3)
	if w.src.Count(http.MethodGet, "/blobs/") != 0 || w.dst.Count(http.MethodHead, "/blobs/") != 0 || w.dst.Count(http.MethodPut, "/blobs/") != 0 {
		t.Error("mounting took more than its request:", w.src.Requests(), w.dst.Requests())
	}
	if _, err := load.Verify(t.Context(), w.client, w.src.Ref("a", ":v1"), w.dst.Ref("c", ":v1")); err != nil {
		t.Error(err)
	}
}

func TestAnotherProcessIsNotMountedFrom(t *testing.T) {
	w := newWorld(t)
	w.src.PutRandomImage("a", "v1", 1, 2, 1000)
	w.copy("a") // under the name it has at the source
	other := copy.New(w.client, 4, new(copy.Stats))
	if _, err := other.Copy(t.Context(), w.src.Ref("a", ":v1"), w.dst.Ref("c", ":v1")); err != nil {
		t.Fatal(err)
	}
	if other.Stats.Mounted.Load() != 0 || other.Stats.Blobs.Load() != 3 {
		t.Error(other.Stats.Summary(0))
	}
}

func TestARegistryWithoutMountsGetsTheBytes(t *testing.T) {
	for name, refuse := range map[string]func(w *world){
		"it opens an upload": func(w *world) { w.dst.NoMounts = true },
		"it refuses": func(w *world) {
			w.dst.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("mount") == "" {
					return false
				}
				rw.WriteHeader(http.StatusForbidden)
				return true
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			refuse(w)
			w.src.PutRandomImage("a", "v1", 1, 2, 1000)
			w.copy("b")
			w.copy("c")
			w.expect("blobs mounted", &w.stats.Mounted, 0)
			w.expect("blobs moved", &w.stats.Blobs, 6)
		})
	}
}

func TestASharedLayerCrossesTheWireOnce(t *testing.T) {
	w := newWorld(t)
	w.src.PutRandomImage("a", "v1", 1, 1, 100000)
	w.src.Record()
	var workers sync.WaitGroup
	for i := range 10 {
		workers.Go(func() {
			if _, err := w.copier.Copy(t.Context(), w.src.Ref("a", ":v1"), w.dst.Ref(fmt.Sprintf("b%d", i), ":v1")); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	if n := w.src.Count(http.MethodGet, "/blobs/"); n != 2 {
		t.Errorf("%d blobs were read instead of 2", n)
	}
	w.expect("mounted", &w.stats.Mounted, 18)
}

func TestFailuresSayWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(w *world)
		to      string
		want    string
	}{
		"no such tag": {func(*world) {}, ":v1", "MANIFEST_UNKNOWN"},
		"a layer missing at the source": {func(w *world) {
			layer := w.src.PutLayer("a", types.OCILayer, 1, 10)
			w.src.PutImage("a", "v1", types.OCIManifestSchema1, layer)
			w.src.RemoveBlob("a", layer.Digest)
		}, ":v1", "BLOB_UNKNOWN"},
		"a corrupt layer": {func(w *world) {
			layer := w.src.PutLayer("a", types.OCILayer, 1, 10)
			w.src.PutImage("a", "v1", types.OCIManifestSchema1, layer)
			w.src.CorruptBlob(layer.Digest)
		}, ":v1", "the content's digest is"},
		"an index without one of its images": {func(w *world) {
			gone := regtest.Descriptor{MediaType: types.OCIManifestSchema1, Digest: "sha256:" + strings.Repeat("0", 64), Size: 7}
			w.src.PutIndex("a", "v1", types.OCIImageIndex, w.src.PutRandomImage("a", "", 1, 1, 10), gone)
		}, ":v1", "MANIFEST_UNKNOWN"},
		"a destination that names another digest": {func(w *world) {
			w.src.PutRandomImage("a", "v1", 1, 1, 10)
		}, "@sha256:" + strings.Repeat("0", 64), "the destination asks for sha256:0000"},
		"schema 1": {func(w *world) {
			w.src.PutManifest("a", "v1", string(types.DockerManifestSchema1Signed), []byte(`{"schemaVersion":1}`))
		}, ":v1", "schema 1"},
		"not JSON": {func(w *world) {
			w.src.PutManifest("a", "v1", string(types.OCIManifestSchema1), []byte(`<html>`))
		}, ":v1", "not a manifest"},
		"nothing in it": {func(w *world) {
			w.src.PutManifest("a", "v1", string(types.OCIManifestSchema1), []byte(`{}`))
		}, ":v1", "names no content"},
		"a descriptor without a digest": {func(w *world) {
			w.src.PutManifest("a", "v1", string(types.OCIManifestSchema1), []byte(`{"layers":[{"size":1}]}`))
		}, ":v1", "a descriptor with"},
		"a refusal by the destination": {func(w *world) {
			w.src.PutRandomImage("a", "v1", 1, 1, 10)
			w.dst.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPut {
					return false
				}
				http.Error(rw, `{"errors":[{"code":"DENIED","message":"quota"}]}`, http.StatusForbidden)
				return true
			})
		}, ":v1", "DENIED: quota"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.prepare(w)
			outcome, err := w.copier.Copy(t.Context(), w.src.Ref("a", ":v1"), w.dst.Ref("b", c.to))
			if outcome != copy.Failed || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %v", outcome, err)
			}
			if _, found, err := w.client.HeadManifest(t.Context(), w.dst.Ref("b", ":v1")); found || err != nil {
				t.Error("yet the tag stands", err)
			}
			w.expect("failed", &w.stats.Failed, 1)
			w.expect("copied", &w.stats.Copied, 0)
		})
	}
}

func TestIndexesThatNestTooDeepAreRefused(t *testing.T) {
	w := newWorld(t)
	d := w.src.PutRandomImage("a", "", 1, 1, 10)
	for range 10 {
		d = w.src.PutIndex("a", "v1", types.OCIImageIndex, d)
	}
	if _, err := w.copier.Copy(t.Context(), w.src.Ref("a", ":v1"), w.dst.Ref("b", ":v1")); err == nil || !strings.Contains(err.Error(), "nested") {
		t.Error(err)
	}
}

func TestACopyByDigest(t *testing.T) {
	w := newWorld(t)
	image := w.src.PutRandomImage("a", "v1", 1, 1, 10)
	_, err := w.copier.Copy(t.Context(), w.src.Ref("a", "@"+image.Digest), w.dst.Ref("b", "@"+image.Digest))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := load.Verify(t.Context(), w.client, w.src.Ref("a", ":v1"), w.dst.Ref("b", "@"+image.Digest)); err != nil {
		t.Error(err)
	}
}

func TestCancellationEndsACopyAtOnce(t *testing.T) {
	w := newWorld(t)
	w.src.PutRandomImage("a", "v1", 1, 8, 1000)
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	w.src.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		cancel(reason)
		regtest.Stall(r)
		return true
	})
	if _, err := w.copier.Copy(ctx, w.src.Ref("a", ":v1"), w.dst.Ref("b", ":v1")); !errors.Is(err, reason) {
		t.Error(err)
	}
	w.expect("in flight", &w.stats.InFlight, 0)
}

func TestTransfersAreBounded(t *testing.T) {
	w := newWorld(t)
	w.src.PutRandomImage("a", "v1", 1, 30, 1000)
	var now, most atomic.Int64
	w.src.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(2 * time.Millisecond) // long enough for others to come, if they may
		return false
	})
	w.copy("b")
	if most.Load() > 4 || most.Load() < 2 {
		t.Errorf("%d at once", most.Load())
	}
}

func TestTheObserverIsToldOfEachImage(t *testing.T) {
	w := newWorld(t)
	w.src.PutRandomImage("a", "v1", 1, 1, 10)
	var got []copy.Outcome
	w.copier.Observe = func(o copy.Outcome, _ time.Duration) { got = append(got, o) }
	w.copy("b")
	w.copy("b")
	_, err := w.copier.Copy(t.Context(), w.src.Ref("a", ":v2"), w.dst.Ref("b", ":v1"))
	if want := []copy.Outcome{copy.Copied, copy.Skipped, copy.Failed}; err == nil || !slices.Equal(got, want) {
		t.Error(got, err)
	}
}

func TestThePlanTakesTheLargestBlobFirst(t *testing.T) {
	reg := regtest.New()
	defer reg.Close()
	image := reg.PutImage("a", "v1", types.OCIManifestSchema1,
		reg.PutLayer("a", types.OCILayer, 1, 10), reg.PutLayer("a", types.OCILayer, 2, 9000), reg.PutLayer("a", types.OCILayer, 3, 8000))
	client := registry.NewClient(registry.Options{})
	defer client.Close()
	m, err := client.GetManifest(t.Context(), reg.Ref("a", ":v1"))
	if err != nil || m.Digest.String() != image.Digest || !bytes.Contains(m.Raw, []byte("layers")) {
		t.Fatal(m, err)
	}
	plan, err := copy.PlanManifest(m)
	if err != nil || len(plan.Blobs) != 4 || plan.Blobs[0].Size != 9000 || plan.Blobs[1].Size != 8000 || plan.Blobs[3].Size != 10 {
		t.Error(plan, err)
	}
}
