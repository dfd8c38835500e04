//go:build integration

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"skiff/pkg/registry"
	"skiff/pkg/testing/load"
)

// Each run writes below a prefix of its own, so that standing registries can be used.
var (
	sourceRegistry = cmp.Or(os.Getenv("SOURCE_REGISTRY"), "127.0.0.1:5100")
	destRegistry   = cmp.Or(os.Getenv("DEST_REGISTRY"), "127.0.0.1:5101")
)

// prepare fills a new prefix of the source with the project tree.
func prepare(t *testing.T) (prefix string, images []load.Image) {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	for _, host := range []string{sourceRegistry, destRegistry} {
		resp, err := client.Get("http://" + host + "/v2/")
		if err != nil {
			t.Fatalf("the registry %s does not answer; start it with scripts/setup-test-registries.sh: %v", host, err)
		}
		resp.Body.Close()
	}
	prefix = fmt.Sprintf("integration-%016x", rand.Uint64())
	images = load.ProjectTree()
	unique := rand.Int64N(1 << 40)
	for i := range images {
		images[i].Repository = prefix + "/" + images[i].Repository
		images[i].Seed += unique
		images[i].Base = unique // one base layer for all, to be mounted
	}
	if err := load.Push(t.Context(), sourceRegistry, images); err != nil {
		t.Fatal(err)
	}
	return prefix, images
}

func skiff(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	code = run(ctx, args, &out, &errs)
	t.Logf("skiff %s: exit %d: %s", strings.Join(args, " "), code, strings.TrimSpace(out.String()))
	return code, out.String(), errs.String()
}

func verify(t *testing.T, src, dst string) load.Verified {
	t.Helper()
	from, err := registry.ParseReference(src)
	if err != nil {
		t.Fatal(err)
	}
	to, err := registry.ParseReference(dst)
	if err != nil {
		t.Fatal(err)
	}
	client := registry.NewClient(registry.Options{})
	defer client.Close()
	v, err := load.Verify(t.Context(), client, from, to)
	if err != nil {
		t.Error(err)
	}
	return v
}

func TestIntegrationCopyImage(t *testing.T) {
	prefix, _ := prepare(t)
	src := sourceRegistry + "/" + prefix + "/project-a/service-1:v1.0"
	dst := destRegistry + "/" + prefix + "/copied:v1.0"
	if code, _, stderr := skiff(t, "copy", src, dst); code != 0 {
		t.Fatal(code, stderr)
	}
	if v := verify(t, src, dst); v.Manifests != 1 || v.Blobs != 4 {
		t.Errorf("verified %+v", v)
	}
}

func TestIntegrationCopyIndex(t *testing.T) {
	prefix, _ := prepare(t)
	src := sourceRegistry + "/" + prefix + "/project-b/service-4:latest"
	dst := destRegistry + "/" + prefix + "/index:latest"
	if code, _, stderr := skiff(t, "copy", src, dst); code != 0 {
		t.Fatal(code, stderr)
	}
	if v := verify(t, src, dst); v.Manifests != 3 {
		t.Errorf("verified %+v", v)
	}
}

func TestIntegrationReplicateTree(t *testing.T) {
	prefix, images := prepare(t)
	tree := []string{"replicate-tree", "--metrics-addr=", "--workers", "4", sourceRegistry + "/" + prefix, destRegistry + "/" + prefix + "/tree"}
	code, stdout, stderr := skiff(t, tree...)
	if code != 0 || !strings.Contains(stdout, "copied=36 skipped=0 failed=0 ") {
		t.Fatal(code, stdout, stderr)
	}
	if strings.Contains(stdout, " mounted=0 ") {
		t.Error("the base layer that all images share was never mounted")
	}
	for _, i := range images {
		below := strings.TrimPrefix(i.Repository, prefix+"/")
		for _, tag := range i.Tags {
			verify(t, sourceRegistry+"/"+i.Repository+":"+tag, destRegistry+"/"+prefix+"/tree/"+below+":"+tag)
		}
	}

	code, stdout, stderr = skiff(t, tree...)
	if code != 0 || !strings.Contains(stdout, "copied=0 skipped=36 failed=0 bytes=0 ") {
		t.Error("a second run did not skip everything:", code, stdout, stderr)
	}
}

func TestIntegrationMissingSourceFails(t *testing.T) {
	prefix, _ := prepare(t)
	src := sourceRegistry + "/" + prefix + "/project-a/service-1:no-such-tag"
	code, stdout, stderr := skiff(t, "copy", src, destRegistry+"/"+prefix+"/missing:v1")
	if code != 1 || !strings.Contains(stdout, "failed=1") || !strings.Contains(stderr, "FAILED "+src) {
		t.Error(code, stdout, stderr)
	}
}
