package businesscentraltest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A field is a column of the two tables. Both share one list, so that storing,
// filtering and encoding need no case for either.
type field uint8

const (
	fieldName field = iota
	fieldName2
	fieldFirstName
	fieldMiddleName
	fieldSurname
	fieldSearchName
	fieldJobTitle
	fieldType
	fieldCompanyNo
	fieldCompanyName
	fieldBusinessRelation
	fieldIntegrationCustomerNo
	fieldAddress
	fieldAddress2
	fieldCity
	fieldCounty
	fieldPostCode
	fieldCountryRegionCode
	fieldPhoneNo
	fieldMobilePhoneNo
	fieldEMail
	fieldEMail2
	fieldFaxNo
	fieldHomePage
	fieldSalespersonCode
	fieldSalutationCode
	fieldOrganizationalLevelCode
	fieldLanguageCode
	fieldFormatRegion
	fieldCurrencyCode
	fieldTerritoryCode
	fieldVATRegistrationNo
	fieldRegistrationNumber
	fieldCorrespondenceType
	fieldPrivacyBlocked
	fieldMinor
	fieldParentalConsentReceived
	fieldExcludeFromSegment
	fieldCustomerType
	fieldRecordType
	fieldWebUserRole
	fieldActiveWebUser
	fieldExtra // the extra properties as one JSON object
	fieldPrimaryContactNo
	fieldContactName
	fieldBlocked
	storedFields // how many of them are packed

	// These live in the row itself, or come from no field at all.
	fieldNo
	fieldSystemID
	fieldCreated
	fieldModified
	fieldConstant
	fieldCount
)

// A kind is the AL type of a field, which decides how it is encoded and compared.
type kind uint8

const (
	kindText kind = iota
	kindCode
	kindOption
	kindBoolean
	kindDate
	kindDateTime
	kindGUID
	kindNumber
	kindExtra
	kindActive // Active_Web_User, whose type is an assumption (section 12 no. 4)
)

// columns gives each field its AL name, type and length (business-central.md 3.2).
var columns = [fieldCount]struct {
	name   string
	kind   kind
	length int
}{
	fieldName:                    {"Name", kindText, 100},
	fieldName2:                   {"Name 2", kindText, 50},
	fieldFirstName:               {"First Name", kindText, 30},
	fieldMiddleName:              {"Middle Name", kindText, 30},
	fieldSurname:                 {"Surname", kindText, 30},
	fieldSearchName:              {"Search Name", kindCode, 100},
	fieldJobTitle:                {"Job Title", kindText, 30},
	fieldType:                    {"Type", kindOption, 0},
	fieldCompanyNo:               {"Company No.", kindCode, 20},
	fieldCompanyName:             {"Company Name", kindText, 100},
	fieldBusinessRelation:        {"Contact Business Relation", kindOption, 0},
	fieldIntegrationCustomerNo:   {"IntegrationCustomerNo", kindCode, 20},
	fieldAddress:                 {"Address", kindText, 100},
	fieldAddress2:                {"Address 2", kindText, 50},
	fieldCity:                    {"City", kindText, 30},
	fieldCounty:                  {"County", kindText, 30},
	fieldPostCode:                {"Post Code", kindCode, 20},
	fieldCountryRegionCode:       {"Country/Region Code", kindCode, 10},
	fieldPhoneNo:                 {"Phone No.", kindText, 30},
	fieldMobilePhoneNo:           {"Mobile Phone No.", kindText, 30},
	fieldEMail:                   {"E-Mail", kindText, 80},
	fieldEMail2:                  {"E-Mail 2", kindText, 80},
	fieldFaxNo:                   {"Fax No.", kindText, 30},
	fieldHomePage:                {"Home Page", kindText, 255},
	fieldSalespersonCode:         {"Salesperson Code", kindCode, 20},
	fieldSalutationCode:          {"Salutation Code", kindCode, 10},
	fieldOrganizationalLevelCode: {"Organizational Level Code", kindCode, 10},
	fieldLanguageCode:            {"Language Code", kindCode, 10},
	fieldFormatRegion:            {"Format Region", kindText, 80},
	fieldCurrencyCode:            {"Currency Code", kindCode, 10},
	fieldTerritoryCode:           {"Territory Code", kindCode, 10},
	fieldVATRegistrationNo:       {"VAT Registration No.", kindText, 20},
	fieldRegistrationNumber:      {"Registration Number", kindText, 50},
	fieldCorrespondenceType:      {"Correspondence Type", kindOption, 0},
	fieldPrivacyBlocked:          {"Privacy Blocked", kindBoolean, 0},
	fieldMinor:                   {"Minor", kindBoolean, 0},
	fieldParentalConsentReceived: {"Parental Consent Received", kindBoolean, 0},
	fieldExcludeFromSegment:      {"Exclude from Segment", kindBoolean, 0},
	fieldCustomerType:            {"Customer Type", kindText, 50},
	fieldRecordType:              {"RecordType", kindText, 20},
	fieldWebUserRole:             {"Web User Role", kindText, 50},
	fieldActiveWebUser:           {"Active Web User", kindActive, 0},
	fieldExtra:                   {"extra properties", kindExtra, 0},
	fieldPrimaryContactNo:        {"Primary Contact No.", kindCode, 20},
	fieldContactName:             {"Contact", kindText, 100},
	fieldBlocked:                 {"Blocked", kindOption, 0},
	fieldNo:                      {"No.", kindCode, 20},
	fieldSystemID:                {"SystemId", kindGUID, 0},
	fieldCreated:                 {"SystemCreatedAt", kindDateTime, 0},
	fieldModified:                {"SystemModifiedAt", kindDateTime, 0},
	fieldConstant:                {"constant", kindText, 0},
}

type values [storedFields]string

// pack stores the values that are not blank as field, length, text.
func (v *values) pack() (string, error) {
	var b []byte
	for f, text := range v {
		if text == "" {
			continue
		}
		column := &columns[f]
		if column.kind == kindCode {
			text = code(text)
		}
		if n := utf8.RuneCountInString(text); column.length > 0 && n > column.length {
			return "", fmt.Errorf("%s has at most %d characters, this has %d", column.name, column.length, n)
		}
		b = append(b, byte(f))
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return string(b), nil
}

// unpack sets v to the packed values. The texts share the memory of packed.
func (v *values) unpack(packed string) {
	*v = values{}
	for packed != "" {
		f := packed[0]
		n, size := uvarint(packed[1:])
		packed = packed[1+size:]
		v[f], packed = packed[:n], packed[n:]
	}
}

// one returns a single value without unpacking the others.
func one(packed string, want field) string {
	for packed != "" {
		f := field(packed[0])
		n, size := uvarint(packed[1:])
		packed = packed[1+size:]
		if f == want {
			return packed[:n]
		}
		packed = packed[n:]
	}
	return ""
}

func uvarint(s string) (n, size int) {
	shift := 0
	for i := range len(s) {
		n |= int(s[i]&0x7f) << shift
		if s[i] < 0x80 {
			return n, i + 1
		}
		shift += 7
	}
	return 0, len(s)
}

// texts and switches tie the members of Contact to the fields; the others are nil.
func (c *Contact) texts() [storedFields]*string {
	return [storedFields]*string{
		fieldName: &c.Name, fieldName2: &c.Name2, fieldFirstName: &c.FirstName, fieldMiddleName: &c.MiddleName,
		fieldSurname: &c.Surname, fieldSearchName: &c.SearchName, fieldJobTitle: &c.JobTitle, fieldType: &c.Type,
		fieldCompanyNo: &c.CompanyNo, fieldCompanyName: &c.CompanyName, fieldBusinessRelation: &c.BusinessRelation,
		fieldIntegrationCustomerNo: &c.IntegrationCustomerNo, fieldAddress: &c.Address, fieldAddress2: &c.Address2,
		fieldCity: &c.City, fieldCounty: &c.County, fieldPostCode: &c.PostCode,
		fieldCountryRegionCode: &c.CountryRegionCode, fieldPhoneNo: &c.PhoneNo, fieldMobilePhoneNo: &c.MobilePhoneNo,
		fieldEMail: &c.EMail, fieldEMail2: &c.EMail2, fieldFaxNo: &c.FaxNo, fieldHomePage: &c.HomePage,
		fieldSalespersonCode: &c.SalespersonCode, fieldSalutationCode: &c.SalutationCode,
		fieldOrganizationalLevelCode: &c.OrganizationalLevelCode, fieldLanguageCode: &c.LanguageCode,
		fieldFormatRegion: &c.FormatRegion, fieldCurrencyCode: &c.CurrencyCode, fieldTerritoryCode: &c.TerritoryCode,
		fieldVATRegistrationNo: &c.VATRegistrationNo, fieldRegistrationNumber: &c.RegistrationNumber,
		fieldCorrespondenceType: &c.CorrespondenceType, fieldCustomerType: &c.CustomerType,
		fieldRecordType: &c.RecordType, fieldWebUserRole: &c.WebUserRole,
	}
}

func (c *Contact) switches() [storedFields]*bool {
	return [storedFields]*bool{
		fieldPrivacyBlocked: &c.PrivacyBlocked, fieldMinor: &c.Minor, fieldActiveWebUser: &c.ActiveWebUser,
		fieldParentalConsentReceived: &c.ParentalConsentReceived, fieldExcludeFromSegment: &c.ExcludeFromSegment,
	}
}

func (c *Customer) texts() [storedFields]*string {
	return [storedFields]*string{
		fieldName: &c.Name, fieldName2: &c.Name2, fieldSearchName: &c.SearchName, fieldType: &c.Type,
		fieldPrimaryContactNo: &c.PrimaryContactNo, fieldContactName: &c.ContactName, fieldAddress: &c.Address,
		fieldAddress2: &c.Address2, fieldCity: &c.City, fieldCounty: &c.County, fieldPostCode: &c.PostCode,
		fieldCountryRegionCode: &c.CountryRegionCode, fieldPhoneNo: &c.PhoneNo, fieldMobilePhoneNo: &c.MobilePhoneNo,
		fieldEMail: &c.EMail, fieldHomePage: &c.HomePage, fieldSalespersonCode: &c.SalespersonCode,
		fieldCurrencyCode: &c.CurrencyCode, fieldBlocked: &c.Blocked,
	}
}

func (c *Contact) pack() (string, error) {
	var v values
	for f, text := range c.texts() {
		if text != nil {
			v[f] = *text
		}
	}
	for f, on := range c.switches() {
		if on != nil && *on {
			v[f] = "true"
		}
	}
	if len(c.Extra) > 0 {
		extra, err := json.Marshal(c.Extra)
		if err != nil {
			return "", fmt.Errorf("extra properties: %w", err)
		}
		v[fieldExtra] = string(extra)
	}
	return v.pack()
}

func contactOf(r *row) Contact {
	c := Contact{No: r.number, SystemID: r.id.String(), Created: fromStamp(r.created), Modified: fromStamp(r.modified)}
	c.NeverModified = r.modified == never
	var v values
	v.unpack(r.values)
	for f, text := range c.texts() {
		if text != nil {
			*text = v[f]
		}
	}
	for f, on := range c.switches() {
		if on != nil {
			*on = v[f] == "true"
		}
	}
	if v[fieldExtra] != "" {
		decoder := json.NewDecoder(strings.NewReader(v[fieldExtra]))
		decoder.UseNumber()
		_ = decoder.Decode(&c.Extra) // it was encoded by pack
	}
	return c
}

func (c *Customer) pack() (string, error) {
	var v values
	for f, text := range c.texts() {
		if text != nil {
			v[f] = *text
		}
	}
	return v.pack()
}

func customerOf(r *row) Customer {
	c := Customer{No: r.number, SystemID: r.id.String(), Created: fromStamp(r.created), Modified: fromStamp(r.modified)}
	c.NeverModified = r.modified == never
	var v values
	v.unpack(r.values)
	for f, text := range c.texts() {
		if text != nil {
			*text = v[f]
		}
	}
	return c
}
