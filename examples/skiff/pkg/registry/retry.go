package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

const (
	longestBackoff    = 10 * time.Second
	longestRetryAfter = 60 * time.Second
	slowestTransfer   = 1 << 20 // bytes per second an attempt is given time for
)

// StatusError is an answer that was not wanted, with how long to wait if it said so.
type StatusError struct {
	Status     int
	RetryAfter time.Duration
	err        error
}

func (e *StatusError) Error() string { return e.err.Error() }
func (e *StatusError) Unwrap() error { return e.err }

// PermanentError marks a failure that no second attempt can mend.
type PermanentError struct{ Err error }

func (e *PermanentError) Error() string { return e.Err.Error() }
func (e *PermanentError) Unwrap() error { return e.Err }

func newStatusError(resp *http.Response, err error) *StatusError {
	return &StatusError{
		Status:     resp.StatusCode,
		RetryAfter: ParseRetryAfter(resp.Header.Get("Retry-After"), time.Now()),
		err:        err,
	}
}

// ParseRetryAfter reads a Retry-After header, seconds or an HTTP date; 0 when it says nothing.
func ParseRetryAfter(header string, now time.Time) time.Duration {
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// BackoffFor is the wait after attempt n (from 1) failed: base doubled each time, spread
// by ±25 % with jitter in [0, 1), and no shorter than what the registry asked for.
func BackoffFor(n int, base, retryAfter time.Duration, jitter float64) time.Duration {
	wait := longestBackoff
	if n < 16 {
		wait = min(base<<(n-1), longestBackoff)
	}
	wait = time.Duration(float64(wait) * (0.75 + jitter/2))
	return max(wait, min(retryAfter, longestRetryAfter))
}

// retryable says whether another attempt may succeed: an overloaded or failing
// registry, a connection that broke or stood still, an upload session that was lost.
func retryable(err error) bool {
	var permanent *PermanentError
	if errors.As(err, &permanent) {
		return false
	}
	var status *StatusError
	if errors.As(err, &status) {
		switch status.Status {
		case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return lostUpload(err)
	}
	var unknownCA x509.UnknownAuthorityError
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &unknownCA) || errors.As(err, &certificate) {
		return false
	}
	// What is left of net/http's failures: dialling, resets, cut bodies, timeouts.
	return true
}

func lostUpload(err error) bool {
	var body *transport.Error
	return errors.As(err, &body) && slices.ContainsFunc(body.Errors, func(d transport.Diagnostic) bool {
		return d.Code == transport.BlobUploadUnknownErrorCode || d.Code == transport.BlobUploadInvalidErrorCode
	})
}

// retry runs attempt until it succeeds, cannot succeed, or has had its number of tries.
// Each try has a deadline of its own that leaves time for size bytes.
func (c *Client) retry(ctx context.Context, size int64, attempt func(context.Context) error) error {
	timeout := c.opts.Timeout + time.Duration(size)*time.Second/slowestTransfer
	for n := 1; ; n++ {
		err := func() error {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return attempt(ctx)
		}()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !retryable(err):
			return plainError(err)
		case n == c.opts.Attempts:
			return fmt.Errorf("gave up after %d attempts: %w", n, plainError(err))
		}
		if c.opts.OnRetry != nil {
			c.opts.OnRetry()
		}
		var retryAfter time.Duration
		var status *StatusError
		if errors.As(err, &status) {
			retryAfter = status.RetryAfter
		}
		if err := wait(ctx, BackoffFor(n, c.opts.Backoff, retryAfter, rand.Float64())); err != nil {
			return err
		}
	}
}

// wait returns after d, or at once with the reason when ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// plainError drops net/http's wrapping of an error that already says what was asked of whom.
func plainError(err error) error {
	var permanent *PermanentError
	var wrapped *url.Error
	if errors.As(err, &wrapped) && errors.As(err, &permanent) {
		return permanent
	}
	return err
}
