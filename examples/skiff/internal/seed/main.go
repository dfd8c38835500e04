// Seed fills a registry with images of random content: by default the tree of
// repositories that the integration tests expect, else --images of --layers each.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"skiff/pkg/testing/load"
)

func main() {
	registry := flag.String("registry", "127.0.0.1:5100", "`host:port` of the registry, which speaks plain HTTP")
	images := flag.Int("images", 0, "images to make below --prefix instead of the project tree")
	prefix := flag.String("prefix", "perf", "repository path above those images")
	layers := flag.Int64("layers", 4, "layers of each of them")
	size := flag.Int64("size", 64<<10, "bytes of each layer")
	seed := flag.Int64("seed", 1, "number that their content follows from")
	check := flag.Bool("check", false, "only see whether the registry answers; exits 1, silently, when it does not")
	flag.Parse()
	if *check {
		client := http.Client{Timeout: 2 * time.Second}
		resp, err := client.Get("http://" + *registry + "/v2/")
		if err != nil || resp.StatusCode != http.StatusOK {
			os.Exit(1)
		}
		return
	}

	tree := load.ProjectTree()
	if *images > 0 {
		tree = load.Bulk(*prefix, *images, *layers, *size, *seed)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := load.Push(ctx, *registry, tree)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "seed:", err)
		os.Exit(1)
	}
	tags := 0
	for _, i := range tree {
		tags += len(i.Tags)
	}
	fmt.Printf("seeded %d tags in %s\n", tags, *registry)
}
