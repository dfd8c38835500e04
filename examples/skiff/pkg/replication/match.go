package replication

import (
	"fmt"
	"path"
	"strings"
)

// MapRepository gives the path that a repository of the source has at the destination:
// what follows the source prefix, below the destination's. It reports false for a
// repository that is neither the prefix itself nor below it.
func MapRepository(repository, from, to string) (string, bool) {
	rest := repository
	if from != "" {
		var ok bool
		if rest, ok = strings.CutPrefix(repository, from); !ok || (rest != "" && rest[0] != '/') {
			return "", false
		}
		rest = strings.TrimPrefix(rest, "/")
	}
	switch {
	case to == "":
		return rest, rest != ""
	case rest == "":
		return to, true
	}
	return to + "/" + rest, true
}

// TagFilter chooses tags by shell patterns such as "v1.*". Its zero value takes all.
type TagFilter struct {
	include, exclude []string
}

// NewTagFilter takes tags that match an include pattern (all, when there is none) and no
// exclude pattern.
func NewTagFilter(include, exclude []string) (TagFilter, error) {
	for _, patterns := range [][]string{include, exclude} {
		for _, p := range patterns {
			if _, err := path.Match(p, ""); err != nil {
				return TagFilter{}, fmt.Errorf("tag pattern %q: %w", p, err)
			}
		}
	}
	return TagFilter{include, exclude}, nil
}

// Match says whether the filter takes a tag.
func (f TagFilter) Match(tag string) bool {
	return (len(f.include) == 0 || matchAny(f.include, tag)) && !matchAny(f.exclude, tag)
}

// Select returns the tags that match, in their order, in the storage of tags.
func (f TagFilter) Select(tags []string) []string {
	chosen := tags[:0]
	for _, tag := range tags {
		if f.Match(tag) {
			chosen = append(chosen, tag)
		}
	}
	return chosen
}

func matchAny(patterns []string, tag string) bool {
	for _, p := range patterns {
		// The patterns were tried when the filter was made.
		if ok, err := path.Match(p, tag); ok && err == nil {
			return true
		}
	}
	return false
}
