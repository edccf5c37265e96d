package transfer

import "slices"

var catalogue []*Fault

func define(f Fault) *Fault {
	if Lookup(f.Code) != nil {
		panic("transfer: fault code used twice: " + f.Code)
	}
	catalogue = append(catalogue, &f)
	return &f
}

// Catalogue returns every fault in the order of design.md 1.9.
func Catalogue() []*Fault { return slices.Clone(catalogue) }

// Lookup returns the fault with the given code, nil if there is none.
func Lookup(code string) *Fault {
	for _, f := range catalogue {
		if f.Code == code {
			return f
		}
	}
	return nil
}

// The faults of a transfer. The first four carry the seed's own texts (seed,
// Error Handling).
var (
	InvalidEmail = define(Fault{
		Code:        "INVALID_EMAIL",
		Title:       "Invalid Email: Email format is incorrect.",
		Description: "The email field format is invalid.",
		Resolution:  "Ensure the email field is valid and follows the format user@example.com.",
	})
	DuplicateContact = define(Fault{
		Code:        "DUPLICATE_CONTACT",
		Title:       "Duplicate Contact: Contact already exists in iPaaS.com.",
		Description: "A contact with the same identifier already exists.",
		Resolution:  "Check for existing records before creating new contacts.",
	})
	MissingEmail = define(Fault{
		Code:        "MISSING_EMAIL",
		Title:       "Missing Email: Email field is empty.",
		Description: "The email field is required for contact creation.",
		Resolution:  "Ensure email is present in Microsoft Dynamics 365 before syncing.",
	})
	CompanyNotFound = define(Fault{
		Code:        "COMPANY_NOT_FOUND",
		Title:       "Company Not Found: Company ID not found in iPaaS.com.",
		Description: "The CompanyID_Contact references a company that does not exist in iPaaS.com.",
		Resolution:  "Ensure the company exists in iPaaS.com before syncing contacts with company relationships.",
		Retry:       Slow,
	})
	MissingRequiredField = define(Fault{
		Code:        "MISSING_REQUIRED_FIELD",
		Title:       "Missing Required Field: A required customer field is empty.",
		Description: "The mapping marks a destination field as required, and this contact has no value for it.",
		Resolution:  "Fill the named fields of the contact in Business Central; the change transfers it again.",
	})
	InvalidField = define(Fault{
		Code:        "INVALID_FIELD",
		Title:       "Invalid Field: A value breaks a known limit.",
		Description: "A value of the contact is longer than iPaaS.com accepts or has the wrong form.",
		Resolution:  "Correct the named field of the contact in Business Central, or shorten it in the mapping.",
	})
	CustomFieldNotFound = define(Fault{
		Code:        "CUSTOM_FIELD_NOT_FOUND",
		Title:       "Custom Field Not Found: iPaaS.com does not know a custom field.",
		Description: "The mapping fills a custom field that is not defined for customers in iPaaS.com.",
		Resolution:  "Create the named custom field for the Customer module in iPaaS.com, or take its row out of the mapping.",
		Retry:       Slow,
	})
	MappingError = define(Fault{
		Code:        "MAPPING_ERROR",
		Title:       "Mapping Error: A formula failed on this contact.",
		Description: "A formula of the mapping cannot be evaluated with the values of this contact.",
		Resolution:  "Correct the named row of the mapping file, check it with contactsync mapping test, deploy, and replay.",
	})
	ContactNotFound = define(Fault{
		Code:        "CONTACT_NOT_FOUND",
		Title:       "Contact Not Found: Business Central has no contact with this id.",
		Description: "The id names no contact, or the contact was deleted before its transfer.",
		Resolution:  "Check the id: a contact number or internal id, with or without |contact.",
	})
	SourceUnavailable = define(Fault{
		Code:        "SOURCE_UNAVAILABLE",
		Title:       "Source Unavailable: Business Central did not answer usefully.",
		Description: "Business Central could not be reached, was too busy, or does not publish the web service that is read.",
		Resolution:  "Nothing, if it passes: the transfer is tried again by itself. Otherwise check Business Central's health and its published web services.",
		Retry:       Soon,
	})
	DestinationUnavailable = define(Fault{
		Code:        "DESTINATION_UNAVAILABLE",
		Title:       "Destination Unavailable: iPaaS.com did not answer usefully.",
		Description: "iPaaS.com could not be reached or was too busy.",
		Resolution:  "Nothing, if it passes: the transfer is tried again by itself. Otherwise check the health of iPaaS.com.",
		Retry:       Soon,
	})
	SourceUnauthorized = define(Fault{
		Code:        "SOURCE_UNAUTHORIZED",
		Title:       "Source Unauthorized: Business Central rejects the credentials.",
		Description: "The credentials were rejected after a refresh, or the application lacks a permission in Business Central.",
		Resolution:  "Renew the client secret in the secret, or give the application its permission set in Business Central. Transfers go on by themselves.",
		Retry:       Soon,
		StopsRun:    true,
	})
	DestinationUnauthorized = define(Fault{
		Code:        "DESTINATION_UNAUTHORIZED",
		Title:       "Destination Unauthorized: iPaaS.com rejects the credentials.",
		Description: "The API key was rejected after a refresh, or it lacks the permission to create or update customers.",
		Resolution:  "Make a new API key with create and update permission for the Customer API and put it into the secret. Transfers go on by themselves.",
		Retry:       Soon,
		StopsRun:    true,
	})
	DestinationRejected = define(Fault{
		Code:        "DESTINATION_REJECTED",
		Title:       "Destination Rejected: iPaaS.com refuses the customer.",
		Description: "iPaaS.com refuses the create or update for a reason of its own.",
		Resolution:  "Read the code of iPaaS.com in the detail, correct the contact or the mapping, and replay.",
	})
	Internal = define(Fault{
		Code:        "INTERNAL",
		Title:       "Internal: A defect of this integration.",
		Description: "The transfer failed for a reason that the integration does not know.",
		Resolution:  "The transfer is tried again by itself. If it stays, report the run id and the contact number to the maintainers.",
		Retry:       Soon,
	})
)
