package registry

import (
	"fmt"
	"hash"
	"io"

	"encoding/hex"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// VerifyReader hands through exactly size bytes that have the given digest. The last
// of them are withheld until the digest is known to be right, so whoever reads from it
// never holds a whole but wrong blob.
type VerifyReader struct {
	src  io.ReadCloser
	hash hash.Hash
	want v1.Hash
	size int64
	seen int64
	err  error
}

// NewVerifyReader fails when the digest's algorithm is unknown.
func NewVerifyReader(src io.ReadCloser, size int64, want v1.Hash) (*VerifyReader, error) {
	h, err := v1.Hasher(want.Algorithm)
	if err != nil {
		return nil, &PermanentError{err}
	}
	return &VerifyReader{src: src, hash: h, want: want, size: size}, nil
}

func (r *VerifyReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.src.Read(p)
	r.hash.Write(p[:n])
	r.seen += int64(n)
	switch {
	case r.seen > r.size:
		r.err = &PermanentError{fmt.Errorf("%s: more than the %d bytes its descriptor says", r.want, r.size)}
	case r.seen == r.size && (n > 0 || err == io.EOF):
		if got := hex.EncodeToString(r.hash.Sum(nil)); got != r.want.Hex {
			r.err = &PermanentError{fmt.Errorf("%s: the content's digest is %s:%s", r.want, r.want.Algorithm, got)}
			return 0, r.err
		}
		r.err = err // nil until the source says EOF: one byte more would be an error
		return n, err
	case err == io.EOF:
		r.err = fmt.Errorf("%s: %d of %d bytes: %w", r.want, r.seen, r.size, io.ErrUnexpectedEOF)
	default:
		r.err = err
		return n, err
	}
	return 0, r.err
}

// Close closes the source.
func (r *VerifyReader) Close() error { return r.src.Close() }
