package registry

import (
	"fmt"
	"net"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// ParseReference reads host/repository, host/repository:tag or host/repository@digest.
// A name without tag or digest means its tag "latest".
func ParseReference(s string) (name.Reference, error) {
	ref, err := name.ParseReference(s)
	if err != nil {
		return nil, fmt.Errorf("reference %q: %w", s, err)
	}
	return ref, nil
}

// ParsePrefix reads host or host/path, the root of a tree of repositories.
func ParsePrefix(s string) (name.Registry, string, error) {
	host, path, _ := strings.Cut(strings.TrimRight(s, "/"), "/")
	if host == "" {
		return name.Registry{}, "", fmt.Errorf("prefix %q: it needs a registry host", s)
	}
	reg, err := name.NewRegistry(host)
	if err != nil {
		return name.Registry{}, "", fmt.Errorf("prefix %q: %w", s, err)
	}
	if path != "" {
		if _, err := name.NewRepository(host + "/" + path); err != nil {
			return name.Registry{}, "", fmt.Errorf("prefix %q: %w", s, err)
		}
	}
	return reg, path, nil
}

// IsLoopback says whether host (with or without a port) is this machine.
func IsLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}
