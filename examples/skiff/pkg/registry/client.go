// Package registry speaks the OCI distribution protocol to the registries an
// image is copied between. It builds on go-containerregistry for names, digests,
// authentication and error bodies, and adds what a replicator needs around them:
// one connection pool for the process, no request that is not needed (no ping
// before the first refusal), retries that honour Retry-After, a timeout for every
// attempt, and blobs that stream from source to destination while their digest is
// checked.
package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Options configure a Client. The zero value is usable.
type Options struct {
	Insecure []string      // hosts spoken to in plain HTTP, as loopback hosts always are
	Attempts int           // tries of one operation, the first included; default 5
	Timeout  time.Duration // of one attempt, beside the time its bytes may take; default 30s
	Keychain authn.Keychain
	// Backoff is the wait before the second attempt; it doubles from there. Default 200ms.
	Backoff time.Duration
	// OnRequest and OnRetry, when set, are told of every response (status 0: none came)
	// and of every attempt that is made again. They must be safe for concurrent use.
	OnRequest func(method string, status int)
	OnRetry   func()
}

// Client talks to any number of registries over one pool of connections.
// It is safe for concurrent use.
type Client struct {
	opts Options
	base http.RoundTripper

	mu     sync.Mutex
	logins map[string]*login // by registry and scopes, once a registry has asked for them
}

// login is a transport that authenticates; the lock makes one exchange of many callers.
type login struct {
	mu sync.Mutex
	rt http.RoundTripper
}

// NewClient returns a client with defaults filled in.
func NewClient(o Options) *Client {
	if o.Attempts <= 0 {
		o.Attempts = 5
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Backoff <= 0 {
		o.Backoff = 200 * time.Millisecond
	}
	if o.Keychain == nil {
		o.Keychain = authn.DefaultKeychain
	}
	c := &Client{opts: o, logins: map[string]*login{}}
	c.base = &plainGuard{client: c, next: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   256, // the default of 2 would dial anew for nearly every blob
		DisableCompression:    true,
		ForceAttemptHTTP2:     true,
		ReadBufferSize:        64 << 10,
		WriteBufferSize:       64 << 10,
	}}
	return c
}

// Close drops idle connections.
func (c *Client) Close() {
	c.base.(*plainGuard).next.CloseIdleConnections()
}

func (c *Client) plain(host string) bool {
	return IsLoopback(host) || slices.Contains(c.opts.Insecure, host)
}

// url is an address below /v2/ of a registry.
func (c *Client) url(reg name.Registry, format string, args ...any) string {
	scheme := "https"
	if c.plain(reg.RegistryStr()) {
		scheme = "http"
	}
	return scheme + "://" + reg.RegistryStr() + "/v2/" + fmt.Sprintf(format, args...)
}

// do sends one request and returns its response when the status is among want.
// Any other status, and no response at all, is an error; the body is closed then.
func (c *Client) do(req *http.Request, target authn.Resource, scopes []string, want ...int) (*http.Response, error) {
	resp, err := c.authenticated(req, target, scopes)
	if err != nil {
		return nil, err
	}
	if slices.Contains(want, resp.StatusCode) {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, newStatusError(resp, transport.CheckError(resp, want...))
}

// authenticated sends a request as it is until the registry refuses it with 401; only
// then are credentials looked up and a token fetched, and kept for these scopes.
func (c *Client) authenticated(req *http.Request, target authn.Resource, scopes []string) (*http.Response, error) {
	key := target.RegistryStr() + " " + strings.Join(scopes, " ")
	c.mu.Lock()
	known := c.logins[key]
	c.mu.Unlock()
	if known != nil {
		rt, err := c.loginTransport(req.Context(), known, target, scopes)
		if err != nil {
			return nil, err
		}
		return (&http.Client{Transport: rt}).Do(req)
	}

	resp, err := (&http.Client{Transport: c.base}).Do(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	discard(resp)
	c.mu.Lock()
	if c.logins[key] == nil {
		c.logins[key] = &login{}
	}
	c.mu.Unlock()
	again := req.Clone(req.Context())
	if req.Body != nil && req.Body != http.NoBody {
		if req.GetBody == nil {
			return nil, errors.New("authentication asked for in the middle of an upload")
		}
		if again.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return c.authenticated(again, target, scopes)
}

func (c *Client) loginTransport(ctx context.Context, l *login, target authn.Resource, scopes []string) (http.RoundTripper, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rt != nil {
		return l.rt, nil
	}
	auth, err := authn.Resolve(ctx, c.opts.Keychain, target)
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", target.RegistryStr(), err)
	}
	var options []name.Option
	if c.plain(target.RegistryStr()) {
		options = append(options, name.Insecure)
	}
	reg, err := name.NewRegistry(target.RegistryStr(), options...)
	if err != nil {
		return nil, err
	}
	rt, err := transport.NewWithContext(ctx, reg, auth, c.base, scopes)
	if err != nil {
		return nil, fmt.Errorf("logging in to %s: %w", target.RegistryStr(), err)
	}
	l.rt = rt
	return rt, nil
}

// plainGuard keeps every request on the scheme its host is meant to be spoken to
// with: TLS is never tried on a plain host, and no other host gets plain HTTP.
type plainGuard struct {
	client *Client
	next   *http.Transport
}

func (g *plainGuard) RoundTrip(req *http.Request) (*http.Response, error) {
	if plain := g.client.plain(req.URL.Host); plain != (req.URL.Scheme == "http") {
		return nil, &PermanentError{fmt.Errorf("refusing %s to %s: plain HTTP is for loopback and --insecure hosts", req.URL.Scheme, req.URL.Host)}
	}
	resp, err := g.next.RoundTrip(req)
	if seen := g.client.opts.OnRequest; seen != nil {
		status := 0
		if resp != nil {
			status = resp.StatusCode
		}
		seen(req.Method, status)
	}
	return resp, err
}

// discard reads what little is left of a body, so that its connection is used again.
func discard(resp *http.Response) {
	// A failed read only costs the connection; the response has been judged already.
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	resp.Body.Close()
}
