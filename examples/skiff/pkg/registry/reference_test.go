package registry_test

import (
	"testing"

	"skiff/pkg/registry"
)

func TestParsePrefix(t *testing.T) {
	for _, c := range []struct{ in, host, path string }{
		{"127.0.0.1:5100/perf", "127.0.0.1:5100", "perf"},
		{"127.0.0.1:5100/perf/deep/", "127.0.0.1:5100", "perf/deep"},
		{"registry.example.com", "registry.example.com", ""},
	} {
		reg, path, err := registry.ParsePrefix(c.in)
		if err != nil || reg.RegistryStr() != c.host || path != c.path {
			t.Errorf("%q: %v, %q, %v", c.in, reg, path, err)
		}
	}
	for _, bad := range []string{"", "/perf", "127.0.0.1:5100/UPPER", "127.0.0.1:5100/a:tag", "a b/c"} {
		if _, _, err := registry.ParsePrefix(bad); err == nil {
			t.Errorf("%q was taken for a prefix", bad)
		}
	}
}

func TestParseReference(t *testing.T) {
	ref, err := registry.ParseReference("127.0.0.1:5100/perf/a")
	if err != nil || ref.Identifier() != "latest" {
		t.Errorf("a name without a tag is %v, %v", ref, err)
	}
	for _, bad := range []string{"", "127.0.0.1:5100/a:", "127.0.0.1:5100/a@sha256:12", "127.0.0.1:5100/A:v1"} {
		if _, err := registry.ParseReference(bad); err == nil {
			t.Errorf("%q was taken for a reference", bad)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:5100": true, "127.9.9.9:1": true, "localhost:5000": true, "[::1]:5000": true, "[::1]": true,
		"registry.example.com": false, "10.0.0.1:5000": false, "localhost.example.com": false, "127.0.0.1.example.com": false, "": false,
	} {
		if got := registry.IsLoopback(host); got != want {
			t.Errorf("IsLoopback(%q) = %v", host, got)
		}
	}
}
