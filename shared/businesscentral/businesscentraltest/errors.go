package businesscentraltest

import (
	"fmt"
	"net/http"
)

// An apiError is an answer of Business Central that is not a success
// (business-central.md section 7).
type apiError struct {
	status  int
	code    string
	message string
	bare    bool // without the CorrelationId that most messages end in
	xml     bool // the gateway's form
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.code, e.message) }

func badRequest(format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "BadRequest", message: fmt.Sprintf(format, args...)}
}

func notImplemented(message string) *apiError {
	return &apiError{status: http.StatusNotImplemented, code: "BadRequest_MethodNotImplemented", message: message}
}

func noProperty(name string, set *entitySet) *apiError {
	return badRequest("Could not find a property named '%s' on type '%s'.", name, set.typeName)
}

func noSegment(segment string) *apiError {
	return &apiError{status: http.StatusNotFound, code: "BadRequest_ResourceNotFound",
		message: fmt.Sprintf("Resource not found for the segment '%s'.", segment)}
}

func noRoute(r *http.Request) *apiError {
	return &apiError{status: http.StatusNotFound, code: "BadRequest_NotFound", bare: true,
		message: fmt.Sprintf("No HTTP resource was found that matches the request URI '%s'.", origin(r)+r.URL.RequestURI())}
}

func badKey() *apiError {
	return &apiError{status: http.StatusNotFound, code: "BadRequest_NotFound", message: "Bad Request - Error in query syntax.", bare: true}
}

func methodNotAllowed(r *http.Request, set string) *apiError {
	return &apiError{status: http.StatusMethodNotAllowed, code: "BadRequest_MethodNotAllowed",
		message: fmt.Sprintf("'%s' requests for '%s' of EdmType 'Entity' are not allowed within this service.", r.Method, set)}
}

func invalidCredentials() *apiError {
	return &apiError{status: http.StatusUnauthorized, code: "Authentication_InvalidCredentials",
		message: "The server has rejected the client credentials."}
}

func tooManyRequests(actual, maximum int) *apiError {
	return &apiError{status: http.StatusTooManyRequests, code: "Application_TooManyRequests", bare: true,
		message: fmt.Sprintf("Too many requests reached. Actual (%d). Maximum (%d).", actual, maximum)}
}

// writeError answers in the forms of business-central.md 7.1.
func (s *Simulator) writeError(w http.ResponseWriter, e *apiError) {
	if e.xml {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(e.status)
		fmt.Fprintf(w, `<error xmlns="http://docs.oasis-open.org/odata/ns/metadata"><code>%s</code><message>%s</message></error>`, e.code, e.message)
		return
	}
	message := e.message
	if !e.bare {
		message += "  CorrelationId:  " + w.Header().Get("ms-correlation-x") + "."
	}
	w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
	w.WriteHeader(e.status)
	body := appendText([]byte(`{"error":{"code":`), e.code)
	body = appendText(append(body, `,"message":`...), message)
	_, _ = w.Write(append(body, "}}"...)) // the caller may have gone
}
