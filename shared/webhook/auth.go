package webhook

import (
	"net/http"
	"strings"

	"contactsync/shared/wire"
)

// maxKey is far above any key that we hand out; longer ones are not compared.
const maxKey = 4096

// authorize lets a request pass that carries one of the accepted keys.
func (h *Handler) authorize(r *http.Request) (denied reply, ok bool) {
	key := bearer(r.Header.Get("Authorization"))
	if key == "" || len(key) > maxKey {
		return unauthorized("the header Authorization: Bearer KEY is missing or has another form"), false
	}
	accepted, err := h.cfg.Callers.AcceptsKey(r.Context(), key)
	switch {
	case err != nil:
		return unavailable("read the secret", err), false
	case !accepted:
		return unauthorized("the key is not one of the accepted ones"), false
	}
	return reply{}, true
}

// bearer returns the key of an Authorization header; "" when it has none.
func bearer(header string) string {
	scheme, key, _ := strings.Cut(strings.TrimSpace(header), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

func unauthorized(detail string) reply {
	a := failure(http.StatusUnauthorized, wire.Unauthorized, detail)
	a.header = map[string]string{"WWW-Authenticate": `Bearer realm="contactsync"`}
	return a
}
