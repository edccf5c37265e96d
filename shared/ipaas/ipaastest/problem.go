package ipaastest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// The codes that the simulator answers with; their texts are those of ipaas.md 5.
const (
	codeBadToken      = "AUTH-1001"
	codeExpiredToken  = "AUTH-1002"
	codeNoPermission  = "AUTZ-1002"
	codeRequired      = "VALD-1002"
	codeNoRequest     = "VALD-1003"
	codeNotInteger    = "VALD-1004"
	codeNotPositive   = "VALD-1005"
	codeNoTable       = "VALD-1007"
	codeNotAllowed    = "VALD-1010"
	codeNoFieldName   = "VALD-1015"
	codeBadSystem     = "VALD-1017"
	codeNoEmail       = "VALD-1021"
	codeOneOf         = "VALD-1022"
	codeUnknownSystem = "VALD-1023"
	codeBadValue      = "VALD-1036"
	codeBadCountry    = "VALD-1046"
	codeNoName        = "VALD-1049"
	codeIDTaken       = "BIZL-1003"
	codeIDTwice       = "BIZL-1005"
	codeTaken         = "BIZL-1006"
	codeInactive      = "BIZL-1009"
	codeNotFound      = "NFND-1005"
)

const helpURL = "https://support.ipaas.com/en/articles/15506870"

// defaultStatus is the HTTP status of each family of codes (ipaas.md 14, no. 12).
var defaultStatus = map[string]int{
	"AUTH": http.StatusUnauthorized, "AUTZ": http.StatusForbidden, "VALD": http.StatusBadRequest,
	"BIZL": http.StatusBadRequest, "NFND": http.StatusNotFound, "INTL": http.StatusInternalServerError,
}

// A problem is an answer that says no: an error of the API with its code, or,
// with unexpected set, a request that nothing is known about.
type problem struct {
	code       string
	text       string
	status     int // 0: by the code's family
	unexpected bool
}

func refuse(code, format string, args ...any) *problem {
	return &problem{code: code, text: fmt.Sprintf(format, args...)}
}

func required(field string) *problem {
	return refuse(codeRequired, "Required field (%s) is null or empty in your request.", field)
}

func unreadable(detail string) *problem {
	return refuse(codeNoRequest, "Request is null or empty. This could be due to an invalid json structure. (%s)", detail)
}

func notFound(id string) *problem {
	return refuse(codeNotFound, "iPaaS.com Id (Id:%s) not found.", id)
}

// unexpected is the answer to a request that the simulator knows nothing about.
func unexpected(status int, format string, args ...any) *problem {
	return &problem{status: status, unexpected: true, text: fmt.Sprintf(format, args...)}
}

// reply is an answer before faults are applied to it.
type reply struct {
	status int
	reason string // a reason phrase other than the usual one
	header http.Header
	body   []byte
}

func jsonReply(status int, v any) reply {
	body, err := json.Marshal(v)
	if err != nil {
		panic("ipaastest: answer cannot be encoded: " + err.Error()) // a defect of the simulator
	}
	return reply{status: status, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body: body}
}

func (s *Simulator) problemReply(p *problem, trackingGUID string) reply {
	sw := &s.cfg.Switches
	status := p.status
	if status == 0 {
		family, _, _ := strings.Cut(p.code, "-")
		if status = sw.Status[family]; status == 0 {
			status = defaultStatus[family]
		}
	}
	if p.code == "" {
		return jsonReply(status, map[string]any{"title": http.StatusText(status), "status": status, "detail": p.text})
	}
	line := p.code + ": " + p.text
	switch sw.ErrorForm {
	case ErrorInTitle:
		return jsonReply(status, map[string]any{"type": helpURL, "title": line, "status": status})
	case ErrorNested:
		return jsonReply(status, map[string]any{"errors": []any{map[string]any{"error_code": p.code, "error_message": p.text, "link": helpURL}}})
	case ErrorText:
		return reply{status: status, header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, body: []byte(line)}
	case ErrorReasonPhrase:
		return reply{status: status, reason: line, header: http.Header{}}
	default:
		answer := map[string]any{
			"type": helpURL, "title": http.StatusText(status), "status": status, "detail": p.text,
			"code": p.code, "message": p.text, "help_url": helpURL,
		}
		if trackingGUID != "" {
			answer["tracking_guid"] = trackingGUID
		}
		return jsonReply(status, answer)
	}
}
