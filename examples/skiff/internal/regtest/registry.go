// Package regtest is a registry in memory for tests and benchmarks. Unlike simpler ones
// it keeps blobs apart by repository, mounts them across, pages its listings, and refuses
// manifests whose contents are missing, as real registries do.
package regtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Registry is a registry that listens on a loopback port until it is closed.
type Registry struct {
	// Host is what references to the registry begin with.
	Host string
	// PageSize bounds listings, however many entries are asked for; 0 for no bound.
	PageSize int
	// NoMounts makes it ask for the bytes instead of mounting a blob.
	NoMounts bool

	server  *httptest.Server
	store   atomic.Pointer[store]
	uploads atomic.Int64

	mu        sync.Mutex
	intercept func(w http.ResponseWriter, r *http.Request) bool
	record    bool
	requests  []string
}

type store struct {
	mu    sync.RWMutex
	blobs map[string][]byte // by digest
	repos map[string]*repository
}

type repository struct {
	blobs     map[string]struct{}
	manifests map[string]manifest // by digest
	tags      map[string]string   // to digest
}

type manifest struct {
	mediaType string
	raw       []byte
}

// New starts an empty registry.
func New() *Registry {
	r := &Registry{}
	r.Reset()
	r.server = httptest.NewServer(r)
	r.Host = strings.TrimPrefix(r.server.URL, "http://")
	return r
}

// Close stops it, connections included.
func (r *Registry) Close() {
	r.server.CloseClientConnections()
	r.server.Close()
}

// Reset forgets all content.
func (r *Registry) Reset() {
	r.store.Store(&store{blobs: map[string][]byte{}, repos: map[string]*repository{}})
}

// Intercept has f see each request from now on; f may answer one itself by returning true.
func (r *Registry) Intercept(f func(w http.ResponseWriter, r *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.intercept = f
}

// Record starts keeping "METHOD path" of each request, and forgets those kept.
func (r *Registry) Record() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.record, r.requests = true, nil
}

// Count is how many recorded requests have the method and a path that contains part.
func (r *Registry) Count(method, part string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, request := range r.requests {
		m, path, _ := strings.Cut(request, " ")
		if m == method && strings.Contains(path, part) {
			n++
		}
	}
	return n
}

// Requests are the recorded requests.
func (r *Registry) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// Blob is a blob that stands in a repository, or nil.
func (r *Registry) Blob(repo, digest string) []byte {
	s := r.store.Load()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if rep := s.repos[repo]; rep != nil {
		if _, ok := rep.blobs[digest]; ok {
			return s.blobs[digest]
		}
	}
	return nil
}

// CorruptBlob swaps the content of a blob for other bytes of the same length.
func (r *Registry) CorruptBlob(digest string) {
	s := r.store.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[digest] = make([]byte, len(s.blobs[digest]))
}

// RemoveBlob drops a blob from a repository.
func (r *Registry) RemoveBlob(repo, digest string) {
	s := r.store.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.repos[repo].blobs, digest)
}

// PutManifest stores a manifest without a look at what it names.
func (r *Registry) PutManifest(repo, tag, mediaType string, raw []byte) (digest string) {
	s := r.store.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	digest = digestOf(raw)
	rep := s.repo(repo)
	rep.manifests[digest] = manifest{mediaType, raw}
	if tag != "" {
		rep.tags[tag] = digest
	}
	return digest
}

// PutBlob stores a blob.
func (r *Registry) PutBlob(repo string, content []byte) (digest string) {
	s := r.store.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	digest = digestOf(content)
	s.blobs[digest] = content
	s.repo(repo).blobs[digest] = struct{}{}
	return digest
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// repo returns a repository, made when there is none; the store must be locked.
func (s *store) repo(name string) *repository {
	rep := s.repos[name]
	if rep == nil {
		rep = &repository{blobs: map[string]struct{}{}, manifests: map[string]manifest{}, tags: map[string]string{}}
		s.repos[name] = rep
	}
	return rep
}

// ServeHTTP answers the distribution API.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	if r.record {
		r.requests = append(r.requests, req.Method+" "+req.URL.Path)
	}
	intercept := r.intercept
	r.mu.Unlock()
	if intercept != nil && intercept(w, req) {
		return
	}
	path, ok := strings.CutPrefix(req.URL.Path, "/v2/")
	if !ok {
		http.NotFound(w, req)
		return
	}
	s := r.store.Load()
	if path == "" {
		w.WriteHeader(http.StatusOK)
		return
	}
	if path == "_catalog" {
		s.mu.RLock()
		var names []string
		for name := range s.repos {
			names = append(names, name)
		}
		s.mu.RUnlock()
		r.list(w, req, "repositories", names)
		return
	}
	if repo, ok := strings.CutSuffix(path, "/tags/list"); ok {
		s.mu.RLock()
		var tags []string
		rep := s.repos[repo]
		if rep != nil {
			for tag := range rep.tags {
				tags = append(tags, tag)
			}
		}
		s.mu.RUnlock()
		if rep == nil {
			refuse(w, http.StatusNotFound, "NAME_UNKNOWN")
			return
		}
		r.list(w, req, "tags", tags)
		return
	}
	if repo, reference, ok := cutLast(path, "/manifests/"); ok {
		s.manifest(w, req, repo, reference)
		return
	}
	if repo, id, ok := cutLast(path, "/blobs/uploads/"); ok {
		r.upload(w, req, s, repo, id)
		return
	}
	if repo, digest, ok := cutLast(path, "/blobs/"); ok {
		content := r.Blob(repo, digest)
		if content == nil {
			refuse(w, http.StatusNotFound, "BLOB_UNKNOWN")
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Header().Set("Docker-Content-Digest", digest)
		if req.Method != http.MethodHead {
			_, _ = w.Write(content)
		}
		return
	}
	http.NotFound(w, req)
}

func (r *Registry) list(w http.ResponseWriter, req *http.Request, key string, entries []string) {
	slices.Sort(entries)
	if last := req.URL.Query().Get("last"); last != "" {
		i, _ := slices.BinarySearch(entries, last)
		for i < len(entries) && entries[i] <= last {
			i++
		}
		entries = entries[i:]
	}
	n, err := strconv.Atoi(req.URL.Query().Get("n"))
	if err != nil || n <= 0 {
		n = len(entries)
	}
	if r.PageSize > 0 {
		n = min(n, r.PageSize)
	}
	if n < len(entries) {
		entries = entries[:n]
		w.Header().Set("Link", fmt.Sprintf(`<%s?last=%s&n=%d>; rel="next"`, req.URL.Path, entries[n-1], n))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string][]string{key: entries})
}

func (s *store) manifest(w http.ResponseWriter, req *http.Request, repo, reference string) {
	if req.Method == http.MethodPut {
		s.putManifest(w, req, repo, reference)
		return
	}
	s.mu.RLock()
	var m manifest
	found := false
	digest := reference
	if rep := s.repos[repo]; rep != nil {
		if d, ok := rep.tags[reference]; ok {
			digest = d
		}
		m, found = rep.manifests[digest]
	}
	s.mu.RUnlock()
	if !found {
		refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN")
		return
	}
	w.Header().Set("Content-Type", m.mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(m.raw)))
	w.Header().Set("Docker-Content-Digest", digest)
	if req.Method != http.MethodHead {
		_, _ = w.Write(m.raw)
	}
}

func (s *store) putManifest(w http.ResponseWriter, req *http.Request, repo, reference string) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	digest := digestOf(raw)
	if strings.HasPrefix(reference, "sha256:") && reference != digest {
		refuse(w, http.StatusBadRequest, "DIGEST_INVALID")
		return
	}
	type descriptor struct {
		MediaType string   `json:"mediaType"`
		Digest    string   `json:"digest"`
		URLs      []string `json:"urls"`
	}
	var body struct {
		Config    *descriptor  `json:"config"`
		Layers    []descriptor `json:"layers"`
		Manifests []descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		refuse(w, http.StatusBadRequest, "MANIFEST_INVALID")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rep := s.repo(repo)
	blobs := body.Layers
	if body.Config != nil {
		blobs = append(blobs, *body.Config)
	}
	for _, d := range blobs {
		if _, ok := rep.blobs[d.Digest]; !ok && len(d.URLs) == 0 {
			refuse(w, http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN")
			return
		}
	}
	for _, d := range body.Manifests {
		_, isManifest := rep.manifests[d.Digest]
		_, isBlob := rep.blobs[d.Digest]
		if !isManifest && !isBlob {
			refuse(w, http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN")
			return
		}
	}
	rep.manifests[digest] = manifest{req.Header.Get("Content-Type"), raw}
	if reference != digest {
		rep.tags[reference] = digest
	}
	w.Header().Set("Docker-Content-Digest", digest)
	w.WriteHeader(http.StatusCreated)
}

func (r *Registry) upload(w http.ResponseWriter, req *http.Request, s *store, repo, id string) {
	query := req.URL.Query()
	switch req.Method {
	case http.MethodPost:
		digest, from := query.Get("mount"), query.Get("from")
		if digest != "" && !r.NoMounts && r.Blob(from, digest) != nil {
			s.mu.Lock()
			s.repo(repo).blobs[digest] = struct{}{}
			s.mu.Unlock()
			w.WriteHeader(http.StatusCreated)
			return
		}
		w.Header().Set("Location", fmt.Sprintf("/v2/%s/blobs/uploads/%d", repo, r.uploads.Add(1)))
		w.WriteHeader(http.StatusAccepted)
	case http.MethodPut:
		content := make([]byte, max(0, req.ContentLength))
		if _, err := io.ReadFull(req.Body, content); err != nil {
			refuse(w, http.StatusBadRequest, "BLOB_UPLOAD_INVALID")
			return
		}
		digest := query.Get("digest")
		if digestOf(content) != digest {
			refuse(w, http.StatusBadRequest, "DIGEST_INVALID")
			return
		}
		s.mu.Lock()
		s.blobs[digest] = content
		s.repo(repo).blobs[digest] = struct{}{}
		s.mu.Unlock()
		w.Header().Set("Docker-Content-Digest", digest)
		w.WriteHeader(http.StatusCreated)
	default:
		refuse(w, http.StatusMethodNotAllowed, "UNSUPPORTED")
	}
}

// Stall waits until the client has left, or too long has passed for any test.
func Stall(req *http.Request) {
	select {
	case <-req.Context().Done():
	case <-time.After(30 * time.Second):
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"refused"}]}`, code)
}

func cutLast(s, separator string) (before, after string, found bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}
