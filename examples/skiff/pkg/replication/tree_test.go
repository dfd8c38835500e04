package replication_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skiff/internal/regtest"
	"skiff/pkg/copy"
	"skiff/pkg/registry"
	"skiff/pkg/replication"
	"skiff/pkg/testing/load"
)

type tree struct {
	src, dst *regtest.Registry
	client   *registry.Client
	stats    copy.Stats

	mu       sync.Mutex
	failures []string
}

func newTree(t *testing.T) *tree {
	w := &tree{src: regtest.New(), dst: regtest.New()}
	t.Cleanup(w.src.Close)
	t.Cleanup(w.dst.Close)
	w.client = registry.NewClient(registry.Options{Attempts: 2, Backoff: time.Millisecond})
	t.Cleanup(w.client.Close)
	return w
}

func (w *tree) run(ctx context.Context, o replication.Options) error {
	if o.Workers == 0 {
		o.Workers = 4
	}
	o.Source, o.Destination = w.src.Name(), w.dst.Name()
	o.OnImage = func(src, _ string, _ copy.Outcome, err error) {
		if err != nil {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.failures = append(w.failures, fmt.Sprintf("%s: %v", src, err))
		}
	}
	return replication.Tree(ctx, w.client, copy.New(w.client, 2*o.Workers, &w.stats), o)
}

func TestEveryTagOfEveryRepositoryBelowThePrefixArrives(t *testing.T) {
	w := newTree(t)
	w.src.PageSize = 2 // listings come in many pages
	seed := uint64(0)
	for _, repo := range []string{"perf", "perf/a", "perf/b/c", "perf/d", "perf/e", "perfect/no", "other"} {
		for v := range 5 {
			seed++
			w.src.PutRandomImage(repo, fmt.Sprintf("v%d", v), seed, 1, 100)
		}
	}
	if err := w.run(t.Context(), replication.Options{SourcePrefix: "perf", DestinationPrefix: "copy"}); err != nil {
		t.Fatal(err)
	}
	if w.stats.Copied.Load() != 25 || len(w.failures) != 0 {
		t.Error(w.stats.Summary(0), w.failures)
	}
	for src, dst := range map[string]string{"perf": "copy", "perf/a": "copy/a", "perf/b/c": "copy/b/c", "perf/e": "copy/e"} {
		for v := range 5 {
			tag := fmt.Sprintf(":v%d", v)
			if _, err := load.Verify(t.Context(), w.client, w.src.Ref(src, tag), w.dst.Ref(dst, tag)); err != nil {
				t.Error(err)
			}
		}
	}
	there, err := w.client.Catalog(t.Context(), w.dst.Name())
	if err != nil || len(there) != 5 {
		t.Error(there, err)
	}
}

func TestTheTreeGoesOnPastAFailure(t *testing.T) {
	w := newTree(t)
	for i := range 10 {
		w.src.PutRandomImage(fmt.Sprintf("perf/r%d", i), "v1", uint64(i), 1, 100)
	}
	w.src.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		broken := strings.HasPrefix(r.URL.Path, "/v2/perf/r3/manifests/") || strings.HasPrefix(r.URL.Path, "/v2/perf/r7/tags/")
		if broken {
			rw.WriteHeader(http.StatusInternalServerError)
		}
		return broken
	})
	if err := w.run(t.Context(), replication.Options{SourcePrefix: "perf", DestinationPrefix: "copy"}); err != nil {
		t.Fatal(err)
	}
	if w.stats.Copied.Load() != 8 || w.stats.Failed.Load() != 2 || len(w.failures) != 2 {
		t.Error(w.stats.Summary(0), w.failures)
	}
	all := strings.Join(w.failures, "\n")
	if !strings.Contains(all, "perf/r3:v1: gave up") || !strings.Contains(all, "perf/r7: listing its tags") {
		t.Error(all)
	}
}

func TestOnlyChosenTagsAreCopied(t *testing.T) {
	w := newTree(t)
	for i, tag := range []string{"v1.0", "v1.1", "v1.1-rc1", "v2.0", "latest"} {
		w.src.PutRandomImage("perf/a", tag, uint64(i), 1, 100)
	}
	filter, err := replication.NewTagFilter([]string{"v1.*", "latest"}, []string{"*-rc*"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.run(t.Context(), replication.Options{SourcePrefix: "perf", DestinationPrefix: "perf", Tags: filter}); err != nil {
		t.Fatal(err)
	}
	if w.stats.Copied.Load() != 3 {
		t.Error(w.stats.Summary(0))
	}
}

func TestATreeWithNothingInItIsAnError(t *testing.T) {
	w := newTree(t)
	w.src.PutRandomImage("other/a", "v1", 1, 1, 100)
	if err := w.run(t.Context(), replication.Options{SourcePrefix: "perf"}); err == nil || !strings.Contains(err.Error(), `no repository below "perf"`) {
		t.Error(err)
	}
	w.src.Intercept(func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.WriteHeader(http.StatusNotImplemented)
		return true
	})
	if err := w.run(t.Context(), replication.Options{SourcePrefix: "perf"}); err == nil || !strings.Contains(err.Error(), "listing the repositories") {
		t.Error(err)
	}
}

func TestCancellationEndsATree(t *testing.T) {
	w := newTree(t)
	for i := range 50 {
		w.src.PutRandomImage(fmt.Sprintf("perf/r%d", i), "v1", uint64(i), 1, 100)
	}
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	var blobs atomic.Int64
	w.src.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/blobs/") || blobs.Add(1) < 10 {
			return false
		}
		cancel(reason)
		regtest.Stall(r)
		return true
	})
	if err := w.run(ctx, replication.Options{SourcePrefix: "perf", DestinationPrefix: "copy"}); !errors.Is(err, reason) {
		t.Error(err)
	}
	if w.stats.Copied.Load() > 10 {
		t.Error("it went on:", w.stats.Summary(0))
	}
}

func TestWorkersBoundTheImagesUnderWay(t *testing.T) {
	w := newTree(t)
	for i := range 30 {
		w.src.PutRandomImage(fmt.Sprintf("perf/r%d", i), "v1", uint64(i), 1, 100)
	}
	var most atomic.Int64
	w.src.Intercept(func(http.ResponseWriter, *http.Request) bool {
		n := w.stats.InFlight.Load()
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		return false
	})
	if err := w.run(t.Context(), replication.Options{SourcePrefix: "perf", DestinationPrefix: "copy", Workers: 3}); err != nil {
		t.Fatal(err)
	}
	if most.Load() > 3 || most.Load() < 2 {
		t.Errorf("%d images at once", most.Load())
	}
}

func TestMapRepository(t *testing.T) {
	for _, c := range []struct {
		repository, from, to, want string
		ok                         bool
	}{
		{"perf/a", "perf", "copy", "copy/a", true},
		{"perf/a/b", "perf", "copy/deep", "copy/deep/a/b", true},
		{"perf", "perf", "copy", "copy", true},
		{"perf/a", "perf", "", "a", true},
		{"perf/a", "", "copy", "copy/perf/a", true},
		{"perf/a", "", "", "perf/a", true},
		{"perf", "perf", "", "", false}, // it would have no name
		{"perfect", "perf", "copy", "", false},
		{"other/perf/a", "perf", "copy", "", false},
	} {
		got, ok := replication.MapRepository(c.repository, c.from, c.to)
		if ok != c.ok || (ok && got != c.want) {
			t.Errorf("%+v: %q, %v", c, got, ok)
		}
	}
}

func TestABadTagPatternIsRefused(t *testing.T) {
	if _, err := replication.NewTagFilter(nil, []string{"[a-"}); err == nil {
		t.Error("accepted")
	}
}
