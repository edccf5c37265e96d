package wire

import "contactsync/shared/transfer"

// An ErrorJSON is an error as every interface shows it: the stable code, the
// catalogue's texts, and what to know about this occurrence ("" if nothing).
type ErrorJSON struct {
	Code        string `json:"code"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Resolution  string `json:"resolution"`
	Detail      string `json:"detail"`
}

// Codes of errors that concern a request and not a transfer (design.md 1.5).
// They stand beside the catalogue of package transfer and are never stored.
const (
	BadRequest           = "BAD_REQUEST"
	Unauthorized         = "UNAUTHORIZED"
	NotFound             = "NOT_FOUND"
	MethodNotAllowed     = "METHOD_NOT_ALLOWED"
	TooLarge             = "TOO_LARGE"
	UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE"
	Unavailable          = "UNAVAILABLE"
	InvalidID            = "INVALID_ID"
)

// requestErrors are the texts of the request codes.
var requestErrors = map[string]ErrorJSON{
	BadRequest: {
		Title:       "Bad Request: The request cannot be understood.",
		Description: "The body or a parameter of the request does not have the form that this route expects.",
		Resolution:  "Correct what the detail names and send the request again. Nothing was stored.",
	},
	Unauthorized: {
		Title:       "Unauthorized: The key is missing or not accepted.",
		Description: "This route needs the header Authorization: Bearer KEY with one of the keys in webhook.api_keys of the secret.",
		Resolution:  "Send a key of the secret. A key that was just added is accepted within 30 seconds.",
	},
	NotFound: {
		Title:       "Not Found: There is no such route or record.",
		Description: "The path names no route, or its id names a contact of which no transfer is known.",
		Resolution:  "Check the path and the id: a contact number or internal id, with or without |contact. POST /transfers transfers a contact for the first time.",
	},
	MethodNotAllowed: {
		Title:       "Method Not Allowed: The route exists, the method does not.",
		Description: "This route does not answer the method of the request.",
		Resolution:  "Use one of the methods in the Allow header of this answer.",
	},
	TooLarge: {
		Title:       "Too Large: The body is over 1 MB.",
		Description: "A request body may have at most 1 MB (1,048,576 bytes).",
		Resolution:  "Send the ids in several requests, at most 3,000 in each.",
	},
	UnsupportedMediaType: {
		Title:       "Unsupported Media Type: The body is not declared as JSON.",
		Description: "The Content-Type or Content-Encoding of the request is not plain JSON in UTF-8.",
		Resolution:  "Send Content-Type: application/json, or none, and the body uncompressed.",
	},
	Unavailable: {
		Title:       "Unavailable: The request could not be stored or answered right now.",
		Description: "The transfer status store or the secret could not be reached.",
		Resolution:  "Send the request again after a few seconds; doing so twice does no harm. If it stays, check the table, the secret and the function's permissions.",
	},
	InvalidID: {
		Title:       "Invalid Id: This is not a contact id.",
		Description: "A contact id is a contact number of at most 20 characters or an internal id (GUID), with or without |contact.",
		Resolution:  "Correct the id, for example 44552|contact or 3f2504e0-4f89-11d3-9a0c-0305e82c3301.",
	},
}

// Error returns an error with the texts of its code, which is one of the
// catalogue of package transfer or of the constants above. A code that is
// neither (stored by another version) keeps its code and says so.
func Error(code, detail string) ErrorJSON {
	if f := transfer.Lookup(code); f != nil {
		return ErrorJSON{Code: code, Title: f.Title, Description: f.Description, Resolution: f.Resolution, Detail: detail}
	}
	e, known := requestErrors[code]
	if !known {
		e = ErrorJSON{
			Title:       "Unknown Code: This version does not know the error code.",
			Description: "The error was stored by another version of this integration.",
			Resolution:  "Look the code up in the documentation of the deployed version.",
		}
	}
	e.Code, e.Detail = code, detail
	return e
}

// Problem returns the error of a transfer or run; nil for nil.
func Problem(p *transfer.Problem) *ErrorJSON {
	if p == nil {
		return nil
	}
	e := Error(p.Code, p.Detail)
	return &e
}
