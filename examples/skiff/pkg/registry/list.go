package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

const pageSize = 1000 // the most that distribution hands out by default

// Catalog lists every repository of a registry.
func (c *Client) Catalog(ctx context.Context, reg name.Registry) ([]string, error) {
	first := c.url(reg, "_catalog?n=%d", pageSize)
	return c.pages(ctx, first, reg, []string{reg.Scope("")})
}

// Tags lists every tag of a repository. A repository the registry knows no tags of has none.
func (c *Client) Tags(ctx context.Context, repo name.Repository) ([]string, error) {
	first := c.url(repo.Registry, "%s/tags/list?n=%d", repo.RepositoryStr(), pageSize)
	tags, err := c.pages(ctx, first, repo, pullScope(repo))
	var status *StatusError
	if errors.As(err, &status) && status.Status == http.StatusNotFound {
		return nil, nil
	}
	return tags, err
}

// pages follows a listing from its first page to the last.
func (c *Client) pages(ctx context.Context, address string, target authn.Resource, scopes []string) ([]string, error) {
	var all []string
	for address != "" {
		var page struct {
			Repositories []string `json:"repositories"`
			Tags         []string `json:"tags"`
		}
		next := ""
		err := c.retry(ctx, 0, func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
			if err != nil {
				return err
			}
			resp, err := c.do(req, target, scopes, http.StatusOK)
			if err != nil {
				return err
			}
			defer discard(resp)
			page.Repositories, page.Tags = nil, nil
			if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
				return fmt.Errorf("GET %s: %w", address, err)
			}
			next, err = NextPage(resp.Header.Get("Link"), req.URL)
			return err
		})
		if err != nil {
			return nil, err
		}
		if next == address {
			return nil, fmt.Errorf("GET %s: the next page is this one", address)
		}
		all = append(append(all, page.Repositories...), page.Tags...)
		address = next
	}
	return all, nil
}

// NextPage reads a Link header: the address of the next page, or "" after the last.
// An address on another host is an error: a registry has no business sending us there.
func NextPage(link string, from *url.URL) (string, error) {
	if link == "" {
		return "", nil
	}
	target, parameters, ok := strings.Cut(link, ">")
	if !ok || !strings.HasPrefix(target, "<") {
		return "", &PermanentError{fmt.Errorf("GET %s: unreadable Link header %q", from, link)}
	}
	if strings.Contains(parameters, "rel=") && !strings.Contains(strings.ReplaceAll(parameters, `"`, ""), "rel=next") {
		return "", nil
	}
	u, err := url.Parse(target[1:])
	if err != nil {
		return "", &PermanentError{fmt.Errorf("GET %s: unreadable Link header %q", from, link)}
	}
	u = from.ResolveReference(u)
	if u.Host != from.Host || u.Scheme != from.Scheme {
		return "", &PermanentError{fmt.Errorf("GET %s: the next page is on another host: %s", from, u)}
	}
	return u.String(), nil
}
