package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"skiff/pkg/metrics"
	"skiff/pkg/registry"
	"skiff/pkg/replication"
	"skiff/pkg/server"
)

func runCopy(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s := newSession("copy", "", stdout, stderr)
	names, err := s.parse(args, 2)
	if err != nil {
		return err
	}
	src, err := registry.ParseReference(names[0])
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	dst, err := registry.ParseReference(names[1])
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	defer s.open(1)()
	outcome, err := s.copier.Copy(ctx, src, dst)
	s.image(src.String(), dst.String(), outcome, err)
	return s.finish()
}

func runTree(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s := newSession("replicate-tree", metrics.DefaultAddress, stdout, stderr)
	workers := s.flags.Int("workers", 4, "images copied at once")
	var include, exclude stringList
	s.flags.Var(&include, "tags", "copy only tags that match this `pattern`, such as 'v1.*'; may be repeated")
	s.flags.Var(&exclude, "exclude-tags", "leave out tags that match this `pattern`; may be repeated")
	names, err := s.parse(args, 2)
	if err != nil {
		return err
	}
	if *workers < 1 {
		return fmt.Errorf("%w: --workers must be above 0", errUsage)
	}
	o := replication.Options{Workers: *workers, OnImage: s.image}
	if o.Source, o.SourcePrefix, err = registry.ParsePrefix(names[0]); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if o.Destination, o.DestinationPrefix, err = registry.ParsePrefix(names[1]); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if o.Tags, err = replication.NewTagFilter(include, exclude); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	defer s.open(*workers)()
	err = replication.Tree(ctx, s.client, s.copier, o)
	return errors.Join(err, s.finish())
}

func runServe(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s := newSession("serve", metrics.DefaultAddress, stdout, stderr)
	address := s.flags.String("address", "127.0.0.1:8080", "`host:port` to take jobs on")
	workers := s.flags.Int("workers", 4, "jobs done at once")
	if _, err := s.parse(args, 0); err != nil {
		return err
	}
	if *workers < 1 {
		return fmt.Errorf("%w: --workers must be above 0", errUsage)
	}
	defer s.open(*workers)()
	jobs := server.New(ctx, s.copier, *workers)
	defer jobs.Wait()
	return server.Serve(ctx, *address, jobs, func(addr string) {
		s.line(s.stdout, "serving on http://%s", addr)
	})
}
