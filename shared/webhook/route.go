package webhook

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"contactsync/shared/wire"
)

// An endpoint answers one method of one route.
type endpoint func(h *Handler, r *http.Request) reply

// A route is one path and what its methods do.
type route struct {
	name    string // as in docs/openapi.yaml
	open    bool   // no key is needed
	methods map[string]endpoint
}

// The routes of design.md 1.5. The two with an id are matched by their shape.
var (
	fixedRoutes = map[string]*route{
		"/notifications/business-central": {name: "/notifications/business-central", open: true, methods: map[string]endpoint{
			http.MethodPost: (*Handler).notifications,
			http.MethodGet:  (*Handler).handshakeOnly,
		}},
		"/hooks": {name: "/hooks", methods: map[string]endpoint{http.MethodPost: (*Handler).hooks}},
		"/transfers": {name: "/transfers", methods: map[string]endpoint{
			http.MethodPost: (*Handler).manual,
			http.MethodGet:  (*Handler).list,
		}},
		"/replays":   {name: "/replays", methods: map[string]endpoint{http.MethodPost: (*Handler).replays}},
		"/errors":    {name: "/errors", methods: map[string]endpoint{http.MethodGet: (*Handler).errorCounts}},
		"/runs":      {name: "/runs", methods: map[string]endpoint{http.MethodGet: (*Handler).runs}},
		"/preflight": {name: "/preflight", methods: map[string]endpoint{http.MethodGet: (*Handler).preflight}},
		"/":          {name: "/", open: true, methods: map[string]endpoint{http.MethodGet: (*Handler).page}},
	}
	assetRoute  = &route{name: "/assets/{file}", open: true, methods: map[string]endpoint{http.MethodGet: (*Handler).asset}}
	oneRoute    = &route{name: "/transfers/{id}", methods: map[string]endpoint{http.MethodGet: (*Handler).one}}
	replayRoute = &route{name: "/transfers/{id}/replay", methods: map[string]endpoint{http.MethodPost: (*Handler).replayOne}}
)

// Routes returns every route by its path, {id} and {file} standing for a part of
// it, with its methods in alphabetical order.
func Routes() map[string][]string {
	all := map[string][]string{}
	for _, r := range append(slices.Collect(maps.Values(fixedRoutes)), assetRoute, oneRoute, replayRoute) {
		all[r.name] = slices.Sorted(maps.Keys(r.methods))
	}
	return all
}

const (
	onePrefix    = "/transfers/"
	replaySuffix = "/replay"
)

// A target is the route that a path leads to.
type target struct{ route *route }

// match finds the route of a path. A path that ends in /replay belongs to the
// replay route; a GET of it may still mean a contact whose number ends so.
func match(path string) (target, bool) {
	if fixed, ok := fixedRoutes[path]; ok {
		return target{fixed}, true
	}
	if id, ok := strings.CutPrefix(path, onePrefix); ok && id != "" {
		if before, ends := strings.CutSuffix(id, replaySuffix); ends && before != "" {
			return target{replayRoute}, true
		}
		return target{oneRoute}, true
	}
	if strings.HasPrefix(path, "/assets/") {
		return target{assetRoute}, true
	}
	return target{}, false
}

// serve lets the route answer the request's method.
func (t target) serve(h *Handler, r *http.Request) reply {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if t.route == replayRoute && method == http.MethodGet {
		if answer := h.one(r); answer.status != http.StatusNotFound {
			return answer
		}
	}
	if do, ok := t.route.methods[method]; ok {
		return do(h, r)
	}
	return t.notAllowed()
}

func (t target) notAllowed() reply {
	var allowed []string
	for m := range t.route.methods {
		allowed = append(allowed, m)
		if m == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	slices.Sort(allowed)
	return methodNotAllowed(strings.Join(allowed, ", "))
}

func methodNotAllowed(allowed string) reply {
	a := failure(http.StatusMethodNotAllowed, wire.MethodNotAllowed, "this route answers "+allowed)
	a.header = map[string]string{"Allow": allowed}
	return a
}

// idForms returns the texts that the id in a path may mean, in the order to try
// them: as it came, then percent-decoded once.
//
// API Gateway hands over a decoded path, SAM CLI's local one an encoded one, and
// nothing tells them apart. A number that holds a percent sign itself (5%41) is
// therefore found as it is first; only an id that names nothing that way is
// decoded, and never twice. Whoever encodes properly is always understood, unless
// both readings name contacts, where the one as it came is meant.
func idForms(pathID string) []string {
	forms := []string{pathID}
	if decoded, err := url.PathUnescape(pathID); err == nil && decoded != pathID {
		forms = append(forms, decoded)
	}
	return forms
}
