package registry_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"skiff/internal/regtest"
	"skiff/pkg/registry"
)

// quick is a client that loses no time between attempts.
func quick(t *testing.T, o registry.Options) *registry.Client {
	t.Helper()
	if o.Backoff == 0 {
		o.Backoff = time.Millisecond
	}
	c := registry.NewClient(o)
	t.Cleanup(c.Close)
	return c
}

func start(t *testing.T, intercept func(w http.ResponseWriter, r *http.Request) bool) *regtest.Registry {
	t.Helper()
	reg := regtest.New()
	t.Cleanup(reg.Close)
	reg.Intercept(intercept)
	return reg
}

// failFirst answers the first n requests that match with fault, and lets all others through.
func failFirst(n int64, method, part string, fault http.HandlerFunc) func(w http.ResponseWriter, r *http.Request) bool {
	var seen atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, part) || seen.Add(1) > n {
			return false
		}
		fault(w, r)
		return true
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		conn.Close()
	}
}

func TestTemporaryFailuresAreTriedAgain(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{
		"408": status(408), "429": status(429), "500": status(500), "502": status(502), "503": status(503), "504": status(504),
		"connection closed": hangUp,
		"no answer":         func(_ http.ResponseWriter, r *http.Request) { regtest.Stall(r) },
	} {
		t.Run(name, func(t *testing.T) {
			reg := start(t, failFirst(2, http.MethodGet, "/manifests/", fault))
			reg.PutRandomImage("a", "v1", 1, 1, 10)
			var retries atomic.Int64
			client := quick(t, registry.Options{Timeout: 200 * time.Millisecond, OnRetry: func() { retries.Add(1) }})
			if _, err := client.GetManifest(t.Context(), reg.Ref("a", ":v1")); err != nil {
				t.Fatal(err)
			}
			if retries.Load() != 2 {
				t.Errorf("%d retries", retries.Load())
			}
		})
	}
}

func TestRetriesAreBounded(t *testing.T) {
	reg := start(t, failFirst(1000, http.MethodGet, "/manifests/", status(503)))
	reg.Record()
	_, err := quick(t, registry.Options{Attempts: 3}).GetManifest(t.Context(), reg.Ref("a", ":v1"))
	if err == nil || !strings.Contains(err.Error(), "gave up after 3 attempts") {
		t.Error(err)
	}
	if n := reg.Count(http.MethodGet, "/manifests/"); n != 3 {
		t.Errorf("%d requests", n)
	}
}

func TestFinalAnswersAreNotTriedAgain(t *testing.T) {
	for _, code := range []int{400, 403, 404} {
		reg := start(t, failFirst(1000, http.MethodGet, "/manifests/", status(code)))
		reg.Record()
		_, err := quick(t, registry.Options{}).GetManifest(t.Context(), reg.Ref("a", ":v1"))
		var refused *registry.StatusError
		if !errors.As(err, &refused) || refused.Status != code {
			t.Error(err)
		}
		if n := len(reg.Requests()); n != 1 {
			t.Errorf("%d: %d requests", code, n)
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	reg := start(t, failFirst(1, http.MethodGet, "/manifests/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	reg.PutRandomImage("a", "v1", 1, 1, 10)
	begin := time.Now()
	if _, err := quick(t, registry.Options{}).GetManifest(t.Context(), reg.Ref("a", ":v1")); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(begin); waited < time.Second {
		t.Errorf("asked again after %v", waited)
	}
}

func TestCancellationEndsAWaitAtOnce(t *testing.T) {
	reg := start(t, failFirst(1000, http.MethodGet, "/manifests/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	client := quick(t, registry.Options{OnRetry: func() { cancel(reason) }})
	if _, err := client.GetManifest(ctx, reg.Ref("a", ":v1")); !errors.Is(err, reason) {
		t.Error(err)
	}
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "0": 0, "-3": 0, "soon": 0, "99999999999": 0,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
	} {
		if got := registry.ParseRetryAfter(header, now); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

func TestBackoff(t *testing.T) {
	base := 200 * time.Millisecond
	for _, c := range []struct {
		n          int
		retryAfter time.Duration
		jitter     float64
		want       time.Duration
	}{
		{1, 0, 0.5, base}, {2, 0, 0.5, 2 * base}, {4, 0, 0.5, 8 * base},
		{1, 0, 0, 150 * time.Millisecond},
		{30, 0, 0.5, 10 * time.Second}, // bounded
		{1, 3 * time.Second, 0.5, 3 * time.Second},
		{1, time.Hour, 0.5, time.Minute}, // a registry cannot stop us for an hour
	} {
		if got := registry.BackoffFor(c.n, base, c.retryAfter, c.jitter); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestPlainHTTPIsOnlyForLoopbackAndInsecureHosts(t *testing.T) {
	reg := start(t, nil)
	reg.PutRandomImage("a", "v1", 1, 1, 10)
	// The registry redirects to plain HTTP on a host that nobody allowed.
	reg.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, "http://registry.example/", http.StatusTemporaryRedirect)
		return true
	})
	_, err := quick(t, registry.Options{}).GetManifest(t.Context(), reg.Ref("a", ":v1"))
	if err == nil || !strings.Contains(err.Error(), "refusing http to registry.example") {
		t.Error(err)
	}
}

// protected is a registry that asks for authentication.
func protected(t *testing.T, challenge func(host string) string, accept func(r *http.Request) bool, extra http.HandlerFunc) *regtest.Registry {
	t.Helper()
	reg := regtest.New()
	t.Cleanup(reg.Close)
	reg.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/token":
			extra(w, r)
		case accept(r):
			return false
		default:
			w.Header().Set("WWW-Authenticate", challenge(r.Host))
			w.WriteHeader(http.StatusUnauthorized)
		}
		return true
	})
	return reg
}

func TestATokenIsFetchedOnceForARepository(t *testing.T) {
	reg := protected(t,
		func(host string) string { return fmt.Sprintf(`Bearer realm="http://%s/token",service="test"`, host) },
		func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer secret" },
		func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("scope") != "repository:a:pull" {
				t.Errorf("scope %q", r.URL.Query().Get("scope"))
			}
			fmt.Fprint(w, `{"token":"secret"}`)
		})
	reg.PutRandomImage("a", "v1", 1, 1, 10)
	reg.Record()
	client := quick(t, registry.Options{Keychain: authn.NewMultiKeychain()})
	for range 5 {
		if _, err := client.GetManifest(t.Context(), reg.Ref("a", ":v1")); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"GET /v2/a/manifests/v1", "GET /v2/", "GET /token"}
	want = append(want, slices.Repeat([]string{"GET /v2/a/manifests/v1"}, 5)...)
	if got := reg.Requests(); !slices.Equal(got, want) {
		t.Errorf("requests %q", got)
	}
}

type keychain struct{ authn.AuthConfig }

func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(k.AuthConfig), nil
}

func TestBasicAuthentication(t *testing.T) {
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:pass"))
	reg := protected(t, func(string) string { return `Basic realm="test"` },
		func(r *http.Request) bool { return r.Header.Get("Authorization") == want }, nil)
	image := reg.PutRandomImage("a", "v1", 1, 1, 10)
	right := quick(t, registry.Options{Keychain: keychain{authn.AuthConfig{Username: "me", Password: "pass"}}})
	m, err := right.GetManifest(t.Context(), reg.Ref("a", ":v1"))
	if err != nil || m.Digest.String() != image.Digest {
		t.Fatal(m, err)
	}
	if err := right.PutManifest(t.Context(), reg.Ref("a", ":v2"), m); err != nil {
		t.Error(err)
	}
	wrong := quick(t, registry.Options{Keychain: keychain{authn.AuthConfig{Username: "me", Password: "wrong"}}})
	if _, err := wrong.GetManifest(t.Context(), reg.Ref("a", ":v1")); err == nil {
		t.Error("a wrong password was accepted")
	}
}

func TestNoPingWithoutARefusal(t *testing.T) {
	reg := start(t, nil)
	reg.PutRandomImage("a", "v1", 1, 1, 10)
	reg.Record()
	if _, err := quick(t, registry.Options{}).GetManifest(t.Context(), reg.Ref("a", ":v1")); err != nil {
		t.Fatal(err)
	}
	if got := reg.Requests(); len(got) != 1 {
		t.Errorf("requests %q", got)
	}
}

func blobOf(t *testing.T, d regtest.Descriptor) v1.Hash {
	t.Helper()
	h, err := v1.NewHash(d.Digest)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestABlobSurvivesFaultsOnItsWay(t *testing.T) {
	half := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(make([]byte, 50000))
		panic(http.ErrAbortHandler)
	}
	lost := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"restarted"}]}`)
	}
	for name, c := range map[string]struct {
		atSource     bool
		method, part string
		fault        http.HandlerFunc
	}{
		"the source cuts it short":        {true, http.MethodGet, "/blobs/", half},
		"the source is overloaded":        {true, http.MethodGet, "/blobs/", status(429)},
		"the source stands still":         {true, http.MethodGet, "/blobs/", func(_ http.ResponseWriter, r *http.Request) { regtest.Stall(r) }},
		"no upload can be opened":         {false, http.MethodPost, "/blobs/uploads/", status(503)},
		"the upload is refused early":     {false, http.MethodPut, "/blobs/uploads/", status(500)},
		"the upload breaks":               {false, http.MethodPut, "/blobs/uploads/", hangUp},
		"the destination forgot about it": {false, http.MethodPut, "/blobs/uploads/", lost},
	} {
		t.Run(name, func(t *testing.T) {
			src, dst := start(t, nil), start(t, nil)
			layer := src.PutLayer("a", types.OCILayer, 1, 100000)
			intercept := failFirst(1, c.method, c.part, c.fault)
			if c.atSource {
				src.Intercept(intercept)
			} else {
				dst.Intercept(intercept)
			}
			var retries atomic.Int64
			client := quick(t, registry.Options{Timeout: 300 * time.Millisecond, OnRetry: func() { retries.Add(1) }})
			err := client.CopyBlob(t.Context(), src.Ref("a", "").Context(), dst.Ref("b", "").Context(), blobOf(t, layer), layer.Size)
			if err != nil {
				t.Fatal(err)
			}
			if len(dst.Blob("b", layer.Digest)) != int(layer.Size) || retries.Load() != 1 {
				t.Errorf("%d bytes arrived after %d retries", len(dst.Blob("b", layer.Digest)), retries.Load())
			}
		})
	}
}

func TestACorruptBlobIsNotUploaded(t *testing.T) {
	src, dst := start(t, nil), start(t, nil)
	layer := src.PutLayer("a", types.OCILayer, 1, 100000)
	src.CorruptBlob(layer.Digest)
	src.Record()
	client := quick(t, registry.Options{})
	err := client.CopyBlob(t.Context(), src.Ref("a", "").Context(), dst.Ref("b", "").Context(), blobOf(t, layer), layer.Size)
	if err == nil || !strings.Contains(err.Error(), layer.Digest+": the content's digest is sha256:") {
		t.Error(err)
	}
	if n := src.Count(http.MethodGet, "/blobs/"); n != 1 {
		t.Errorf("read %d times", n)
	}
	if dst.Blob("b", layer.Digest) != nil {
		t.Error("it arrived")
	}
}

func TestABlobOfAnotherLengthThanItsDescriptorIsRefused(t *testing.T) {
	src, dst := start(t, nil), start(t, nil)
	layer := src.PutLayer("a", types.OCILayer, 1, 1000)
	client := quick(t, registry.Options{})
	err := client.CopyBlob(t.Context(), src.Ref("a", "").Context(), dst.Ref("b", "").Context(), blobOf(t, layer), 1001)
	if err == nil || !strings.Contains(err.Error(), "1000 bytes where the descriptor says 1001") {
		t.Error(err)
	}
}

func TestAnEmptyBlobIsCopied(t *testing.T) {
	src, dst := start(t, nil), start(t, nil)
	layer := src.PutLayer("a", types.OCILayer, 1, 0)
	client := quick(t, registry.Options{})
	err := client.CopyBlob(t.Context(), src.Ref("a", "").Context(), dst.Ref("b", "").Context(), blobOf(t, layer), 0)
	if err != nil || dst.Blob("b", layer.Digest) == nil {
		t.Error(err)
	}
}

func TestListingsAreReadToTheirLastPage(t *testing.T) {
	reg := start(t, nil)
	reg.PageSize = 3
	var repositories, tags []string
	for i := range 10 {
		repositories = append(repositories, fmt.Sprintf("r%d", i))
		tags = append(tags, fmt.Sprintf("v%d", i))
		reg.PutManifest(repositories[i], "v0", "", nil)
		reg.PutManifest("r0", tags[i], "", nil)
	}
	client := quick(t, registry.Options{})
	if got, err := client.Catalog(t.Context(), reg.Name()); err != nil || !slices.Equal(got, repositories) {
		t.Error(got, err)
	}
	if got, err := client.Tags(t.Context(), reg.Ref("r0", "").Context()); err != nil || !slices.Equal(got, tags) {
		t.Error(got, err)
	}
	if got, err := client.Tags(t.Context(), reg.Ref("unknown", "").Context()); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
}

func TestNextPage(t *testing.T) {
	from, err := url.Parse("http://127.0.0.1:5100/v2/_catalog?n=3")
	if err != nil {
		t.Fatal(err)
	}
	for link, want := range map[string]string{
		"":                                      "",
		`</v2/_catalog?last=b&n=3>; rel="next"`: "http://127.0.0.1:5100/v2/_catalog?last=b&n=3",
		`<http://127.0.0.1:5100/v2/_catalog?last=b>;rel=next`:      "http://127.0.0.1:5100/v2/_catalog?last=b",
		`</v2/_catalog?last=b>`:                                    "http://127.0.0.1:5100/v2/_catalog?last=b",
		`</v2/_catalog>; rel="first"`:                              "",
		`<https://127.0.0.1:5100/v2/_catalog?last=b>; rel="next"`:  "error",
		`<http://registry.example/v2/_catalog?last=b>; rel="next"`: "error",
		`/v2/_catalog?last=b; rel="next"`:                          "error",
		`</v2/_catalog?last=b; rel="next"`:                         "error",
		`<http://127.0.0.1:5100/v2/%zz>; rel="next"`:               "error",
	} {
		got, err := registry.NextPage(link, from)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %q, %v", link, got, err)
		}
	}
}

func TestAPageThatLeadsToItselfIsAnError(t *testing.T) {
	reg := start(t, func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Link", "<"+r.URL.String()+`>; rel="next"`)
		fmt.Fprint(w, `{"repositories":["a"]}`)
		return true
	})
	if _, err := quick(t, registry.Options{}).Catalog(t.Context(), reg.Name()); err == nil {
		t.Error("read for ever")
	}
}

func TestAManifestAskedForByDigestMustHaveIt(t *testing.T) {
	reg := start(t, func(w http.ResponseWriter, _ *http.Request) bool {
		fmt.Fprint(w, `{"schemaVersion":2}`)
		return true
	})
	digest := "sha256:" + strings.Repeat("a", 64)
	_, err := quick(t, registry.Options{}).GetManifest(t.Context(), reg.Ref("a", "@"+digest))
	if err == nil || !strings.Contains(err.Error(), "the manifest's digest is") {
		t.Error(err)
	}
}

func TestAManifestStoredOtherwiseIsAnError(t *testing.T) {
	reg := start(t, func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("b", 64))
		w.WriteHeader(http.StatusCreated)
		return true
	})
	m, err := registry.NewManifest([]byte("{}"), "", reg.Ref("a", ":v1"))
	if err != nil {
		t.Fatal(err)
	}
	err = quick(t, registry.Options{}).PutManifest(t.Context(), reg.Ref("a", ":v1"), m)
	if err == nil || !strings.Contains(err.Error(), "the registry stored") {
		t.Error(err)
	}
}

func TestMediaType(t *testing.T) {
	ref := name.MustParseReference("127.0.0.1/a:v1")
	for _, c := range []struct {
		header, body string
		want         types.MediaType
	}{
		{"application/vnd.oci.image.index.v1+json", `{}`, types.OCIImageIndex},
		{"application/vnd.docker.distribution.manifest.v2+json; charset=utf-8", `{}`, types.DockerManifestSchema2},
		{"application/json", `{"mediaType":"application/vnd.oci.image.index.v1+json"}`, types.OCIImageIndex},
		{"", `{}`, types.OCIManifestSchema1},
		{"text/plain", `not JSON`, types.OCIManifestSchema1},
	} {
		m, err := registry.NewManifest([]byte(c.body), c.header, ref)
		if err != nil || m.MediaType != c.want {
			t.Errorf("%q %s: %v, %v", c.header, c.body, m, err)
		}
	}
}
