package registry_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"skiff/pkg/registry"
)

func TestVerifyReader(t *testing.T) {
	const content = "the bytes of a blob"
	right, _, err := v1.SHA256(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	nothing, _, err := v1.SHA256(strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	var permanent *registry.PermanentError
	isPermanent := func(err error) bool { return errors.As(err, &permanent) }
	isCutShort := func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) && !isPermanent(err) }
	for _, c := range []struct {
		name, content string
		digest        v1.Hash
		size          int
		failure       func(error) bool
	}{
		{"right content passes", content, right, len(content), nil},
		{"an empty blob passes", "", nothing, 0, nil},
		{"other content of the same size is refused", strings.ToUpper(content), right, len(content), isPermanent},
		{"an empty blob under a wrong digest is refused", "", right, 0, isPermanent},
		{"more than the size is refused", content + "!", right, len(content), isPermanent},
		{"less than the size may be tried again", content[:5], right, len(content), isCutShort},
	} {
		for how, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "a byte at a time": iotest.OneByteReader, "EOF with the data": iotest.DataErrReader,
		} {
			t.Run(c.name+", "+how, func(t *testing.T) {
				r, err := registry.NewVerifyReader(io.NopCloser(wrap(strings.NewReader(c.content))), int64(c.size), c.digest)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(r)
				if c.failure == nil {
					if err != nil || string(got) != c.content {
						t.Errorf("%q, %v", got, err)
					}
					return
				}
				if !c.failure(err) {
					t.Errorf("error %v", err)
				}
				if len(got) >= len(content) && bytes.Equal(got, []byte(c.content)) {
					t.Error("the whole wrong blob was handed out")
				}
			})
		}
	}
	if _, err := registry.NewVerifyReader(nil, 0, v1.Hash{Algorithm: "md5"}); err == nil {
		t.Error("an unknown algorithm was accepted")
	}
}
