package transfer

import (
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"contactsync/shared/contact"
	"contactsync/shared/mapping"
)

// Limits of values (design.md 1.9; business-central.md 3.2; ipaas.md 13.3).
const (
	maxCustomerNumber = 20
	maxCountryCode    = 10
	maxEmail          = 254
)

// companyTable is the name under which GetSpaceportId knows companies (ipaas.md 14, no. 6).
const companyTable = "Customer Company"

// mapFields evaluates the mapping and judges what came of it. Its error is the
// skip, or one fault that names everything that stands against the transfer.
func (w *work) mapFields(ctx context.Context) error {
	result, err := w.cfg.Mapping.Apply(ctx, &w.contact, mapping.Options{SystemID: w.cfg.SystemID, Links: w.cfg.Target})
	if err != nil {
		return err
	}
	if result.Skipped != "" {
		return &skip{result.Skipped}
	}
	w.mapped, w.warnings = result, result.Warnings
	found := judge(&w.contact, &result)
	if w.contact.No == "" && !mentions(found, MissingRequiredField) {
		found = append(found, complaint{MissingRequiredField, "the contact has no number, which its external id is made of (source No)"})
	}
	for _, link := range result.Unlinked {
		if !strings.EqualFold(link.Table, companyTable) {
			continue
		}
		text := w.companyText(ctx, link.ExternalID)
		if w.cfg.Policy.TransferWithoutCompany {
			w.warnings = append(w.warnings, "transferred without its company: "+text)
			continue
		}
		found = append(found, complaint{CompanyNotFound, text})
	}
	if len(found) > 0 {
		return combine("map contact "+w.ref().String(), found)
	}
	w.sentHashes, w.sentNames = w.hash.fields(&w.mapped.Customer)
	return nil
}

// companyText says whether Business Central knows the company (design.md 1.9).
func (w *work) companyText(ctx context.Context, no string) string {
	known, err := w.known.has(ctx, no)
	switch {
	case err != nil:
		return fmt.Sprintf("company %s is not linked in iPaaS.com; whether Business Central knows it could not be found out", no)
	case known:
		return fmt.Sprintf("company %s exists in Business Central and is not linked in iPaaS.com yet", no)
	}
	return fmt.Sprintf("company %s exists neither in iPaaS.com nor in Business Central", no)
}

// A complaint is one thing that is wrong with a contact.
type complaint struct {
	fault *Fault
	text  string
}

// Judge returns the codes of what stands against a mapped contact, the one that
// a transfer would get first. A missing company counts as CompanyNotFound. It is
// for cases that stand beside a mapping file.
func Judge(c *contact.Contact, result *mapping.Result) []string {
	found := judge(c, result)
	for _, link := range result.Unlinked {
		if strings.EqualFold(link.Table, companyTable) {
			found = append(found, complaint{CompanyNotFound, link.ExternalID})
		}
	}
	var codes []string
	for _, fault := range precedence {
		for _, f := range found {
			if f.fault == fault {
				codes = append(codes, fault.Code)
				break
			}
		}
	}
	return codes
}

// judge gathers everything that is wrong with the values, without a call.
func judge(c *contact.Contact, result *mapping.Result) []complaint {
	var found []complaint
	for _, f := range result.Findings {
		switch {
		case f.Kind == mapping.FormulaFailed:
			found = append(found, complaint{MappingError, f.Detail})
		case f.Field == "EmailAddress":
			found = append(found, complaint{MissingEmail, "EmailAddress is empty (source " + f.Source + ")"})
		default:
			found = append(found, complaint{MissingRequiredField, f.Field + " is empty (source " + f.Source + ")"})
		}
	}
	found = append(found, judgeEmail(result.Customer.Text("email_address"))...)
	if !mentions(found, MissingEmail) && !mentions(found, MappingError) && result.Customer.Text("email_address") == "" {
		// iPaaS.com makes no customer without one, whatever the mapping marks as required.
		found = append(found, complaint{MissingEmail, "EmailAddress is empty"})
	}
	if n := utf8.RuneCountInString(result.Customer.Text("customer_number")); n > maxCustomerNumber {
		found = append(found, tooLong("CustomerNumber", n, maxCustomerNumber))
	}
	for _, a := range result.Customer.Addresses {
		country, _ := a.Get("country").(string)
		if n := utf8.RuneCountInString(country); n > maxCountryCode && country == c.CountryRegionCode {
			found = append(found, tooLong("Country (source CountryRegionCode)", n, maxCountryCode))
		}
	}
	return found
}

func mentions(found []complaint, fault *Fault) bool {
	return slices.ContainsFunc(found, func(c complaint) bool { return c.fault == fault })
}

func tooLong(field string, n, limit int) complaint {
	return complaint{InvalidField, fmt.Sprintf("%s has %d characters, at most %d are accepted", field, n, limit)}
}

func judgeEmail(email string) []complaint {
	if email == "" {
		return nil
	}
	if n := utf8.RuneCountInString(email); n > maxEmail && strings.Count(email, "@") == 1 {
		return []complaint{tooLong("EmailAddress", n, maxEmail)}
	}
	if reason := emailFault(email); reason != "" {
		return []complaint{{InvalidEmail, "EmailAddress " + reason}}
	}
	return nil
}

// emailFault says what is wrong with an e-mail address, without quoting it; ""
// when it has the form user@example.com (seed, Validation Rules).
func emailFault(email string) string {
	if strings.ContainsAny(email, ";,") || strings.Count(email, "@") > 1 {
		return "holds more than one address"
	}
	local, domain, found := strings.Cut(email, "@")
	switch {
	case !found:
		return "has no @"
	case local == "":
		return "has nothing before the @"
	case domain == "":
		return "has nothing after the @"
	case strings.ContainsAny(email, " \t\r\n<>()\"\\"):
		return "holds a blank, quote or bracket"
	case !strings.Contains(domain, "."):
		return "has a domain without a dot"
	case len(local) > 64:
		return "has more than 64 characters before the @"
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") || strings.ContainsAny(label, "_!#$%&'*+/=?^`{|}~") {
			return "has a malformed domain"
		}
	}
	if address, err := mail.ParseAddress(email); err != nil || address.Address != email {
		return "is not of the form user@example.com"
	}
	return ""
}

// precedence orders the faults of one record: the e-mail's first (design.md 1.9),
// then what no later try can mend, then what a later try may.
var precedence = []*Fault{MissingEmail, InvalidEmail, MissingRequiredField, InvalidField, MappingError, CompanyNotFound}

// combine makes one error of everything that is wrong with a record.
func combine(op string, found []complaint) *Error {
	e := &Error{Op: op}
	var texts []string
	for _, fault := range precedence {
		for _, f := range found {
			if f.fault != fault {
				continue
			}
			if e.Fault == nil {
				e.Fault = fault
			}
			text := f.text
			if fault != e.Fault {
				text = fault.Code + ": " + text
			}
			texts = append(texts, text)
		}
	}
	e.Detail = strings.Join(texts, "; ")
	return e
}
