package webhook

import (
	"embed"
	"mime"
	"net/http"
	"path"
	"strings"

	"contactsync/shared/wire"
)

// The operator's page. It holds no key and no data: the browser asks for the key
// and calls the routes with it.
//
//go:embed page
var pageFiles embed.FS

// pageSecurity lets the page load its own files and call its own routes, and
// nothing else: no inline script or style, no other host, no frame, no form
// target, no base address.
const pageSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page answers GET /.
func (h *Handler) page(*http.Request) reply { return file("page/index.html") }

// asset answers GET /assets/*.
func (h *Handler) asset(r *http.Request) reply {
	return file("page/assets/" + strings.TrimPrefix(r.URL.Path, "/assets/"))
}

// file answers with one file of the page. The embedded file system knows no
// other path than those of its files, so none can lead out of it.
func file(name string) reply {
	content, err := pageFiles.ReadFile(name)
	if err != nil {
		return failure(http.StatusNotFound, wire.NotFound, "the page has no such file")
	}
	return reply{
		status:      http.StatusOK,
		contentType: typeOf(path.Ext(name)),
		body:        content,
		header:      map[string]string{"Content-Security-Policy": pageSecurity},
	}
}

// typeOf returns the type of a file of the page. The ones in use are named here,
// because what package mime knows depends on the machine.
func typeOf(extension string) string {
	switch extension {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	if known := mime.TypeByExtension(extension); known != "" {
		return known
	}
	return "application/octet-stream"
}
