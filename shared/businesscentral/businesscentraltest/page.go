package businesscentraltest

import (
	"fmt"
	"slices"
	"strings"
)

// A Profile is a set of property names under which a contact page shows a
// contact (design.md 1.7).
type Profile string

// The profiles of the contact page.
const (
	// PageExtended is page 5050 with the properties of a page extension.
	PageExtended Profile = "page-5050-extended"
	// ModelNames is a page of the customer's own whose properties have the names
	// of the original integration's model.
	ModelNames Profile = "model-names"
	// PageStandard is page 5050 as Microsoft delivers it: no names, no internal
	// id, no time that can be filtered (business-central.md 3.3).
	PageStandard Profile = "page-5050"
	// APIv2 has the names of API v2.0 contacts; for a custom API.
	APIv2 Profile = "api-v2"
	// ContactAPI has the names of docs/business-central/ContactApi.page.al; for a
	// custom API.
	ContactAPI Profile = "contact-api"
)

// A Service is a page that is published as a web service.
type Service struct {
	Name string // as it stands in the URL, e.g. Contact_Card
	Page Page
	// Profile names the properties of a ContactPage; PageExtended when blank.
	Profile Profile
	// Without lists properties that the page does not have.
	Without []string
	// Rename gives properties other names, e.g. SystemModifiedAt: LastModifiedDateTime.
	Rename map[string]string
	// KeySystemID makes the internal id the key, as ODataKeyFields = SystemId does.
	// The page must have the id as a property.
	KeySystemID bool
}

// Page says which records a service shows.
type Page string

// The pages that can be published.
const (
	ContactPage      Page = "contacts"
	CustomerListPage Page = "customer-list"
	CustomerCardPage Page = "customer-card"
)

// An ExtraProperty is one more property of the contact pages and of the custom
// API, with values from [Contact.Extra].
type ExtraProperty struct {
	Name string
	Type string // Edm.String (default), Edm.Boolean, Edm.Int32, Edm.Decimal
}

// A property is one column of an entity set.
type property struct {
	name  string
	field field
	kind  kind // that of the field, unless it says otherwise
	// text is the value of a fieldConstant, the type of an extra property, or the
	// enumeration of an option.
	text string
	// computed properties have a value but cannot be filtered or sorted by.
	computed bool
}

func columnsOf(pairs ...any) []property {
	var list []property
	for i := 0; i < len(pairs); i += 2 {
		f := pairs[i+1].(field)
		list = append(list, property{name: pairs[i].(string), field: f, kind: columns[f].kind})
	}
	return list
}

func constant(name string, k kind, text string) property {
	return property{name: name, field: fieldConstant, kind: k, text: text, computed: true}
}

func contactProperties(p Profile) ([]property, error) {
	switch p {
	case PageStandard:
		return page5050(), nil
	case PageExtended, "":
		return append(page5050(), columnsOf("First_Name", fieldFirstName, "Middle_Name", fieldMiddleName, "Surname", fieldSurname,
			"Customer_Type", fieldCustomerType, "Web_User_Role", fieldWebUserRole, "Active_Web_User", fieldActiveWebUser,
			"SystemId", fieldSystemID, "SystemModifiedAt", fieldModified)...), nil
	case ModelNames:
		return columnsOf("No", fieldNo, "Id", fieldSystemID, "Type", fieldType, "RecordType", fieldRecordType,
			"CustomerType", fieldCustomerType, "WebUserRole_Contact", fieldWebUserRole, "Active_Web_User", fieldActiveWebUser,
			"CompanyID_Contact", fieldCompanyNo, "CompanyName_Contact", fieldCompanyName,
			"FirstName_Contact", fieldFirstName, "LastName_Contact", fieldSurname, "EMail", fieldEMail,
			"Address", fieldAddress, "Address2", fieldAddress2, "City", fieldCity, "County", fieldCounty,
			"CountryRegionCode", fieldCountryRegionCode, "PostCode", fieldPostCode, "PhoneNo", fieldPhoneNo,
			"SystemModifiedAt", fieldModified), nil
	case APIv2:
		return apiContact(), nil
	case ContactAPI:
		return columnsOf("id", fieldSystemID, "number", fieldNo, "type", fieldType, "contactBusinessRelation", fieldBusinessRelation,
			"customerType", fieldCustomerType, "webUserRole", fieldWebUserRole, "activeWebUser", fieldActiveWebUser,
			"companyNumber", fieldCompanyNo, "companyName", fieldCompanyName, "firstName", fieldFirstName, "lastName", fieldSurname,
			"email", fieldEMail, "addressLine1", fieldAddress, "addressLine2", fieldAddress2, "city", fieldCity, "state", fieldCounty,
			"postalCode", fieldPostCode, "country", fieldCountryRegionCode, "phoneNumber", fieldPhoneNo,
			"privacyBlocked", fieldPrivacyBlocked, "lastModifiedDateTime", fieldModified), nil
	}
	return nil, fmt.Errorf("no profile %q", p)
}

// page5050 follows business-central.md 3.3, in the order of the page.
func page5050() []property {
	list := columnsOf("No", fieldNo, "Name", fieldName, "Name_2", fieldName2, "Type", fieldType, "Company_No", fieldCompanyNo,
		"Company_Name", fieldCompanyName, "Job_Title", fieldJobTitle, "Contact_Business_Relation", fieldBusinessRelation,
		"IntegrationCustomerNo", fieldIntegrationCustomerNo, "Search_Name", fieldSearchName,
		"Salesperson_Code", fieldSalespersonCode, "Salutation_Code", fieldSalutationCode,
		"Organizational_Level_Code", fieldOrganizationalLevelCode, "LastDateTimeModified", fieldModified)
	list[len(list)-1].computed = true
	list = append(list, constant("Date_of_Last_Interaction", kindDate, "0001-01-01"),
		constant("Last_Date_Attempted", kindDate, "0001-01-01"), constant("Next_Task_Date", kindDate, "0001-01-01"))
	list = append(list, columnsOf("Exclude_from_Segment", fieldExcludeFromSegment, "Privacy_Blocked", fieldPrivacyBlocked,
		"Minor", fieldMinor, "Parental_Consent_Received", fieldParentalConsentReceived,
		"Registration_Number", fieldRegistrationNumber, "Address", fieldAddress, "Address_2", fieldAddress2,
		"Country_Region_Code", fieldCountryRegionCode, "Post_Code", fieldPostCode, "City", fieldCity, "County", fieldCounty)...)
	list = append(list, constant("ShowMap", kindText, "Show on Map"))
	return append(list, columnsOf("Phone_No", fieldPhoneNo, "Mobile_Phone_No", fieldMobilePhoneNo, "E_Mail", fieldEMail,
		"Fax_No", fieldFaxNo, "Home_Page", fieldHomePage, "Correspondence_Type", fieldCorrespondenceType,
		"Language_Code", fieldLanguageCode, "Format_Region", fieldFormatRegion, "Currency_Code", fieldCurrencyCode,
		"Territory_Code", fieldTerritoryCode, "VAT_Registration_No", fieldVATRegistrationNo)...)
}

// apiContact follows business-central.md 3.6, in the order of 9.1.
func apiContact() []property {
	list := columnsOf("id", fieldSystemID, "number", fieldNo, "type", fieldType, "displayName", fieldName, "jobTitle", fieldJobTitle,
		"companyNumber", fieldCompanyNo, "companyName", fieldCompanyName, "contactBusinessRelation", fieldBusinessRelation,
		"addressLine1", fieldAddress, "addressLine2", fieldAddress2, "city", fieldCity, "state", fieldCounty,
		"country", fieldCountryRegionCode, "postalCode", fieldPostCode, "phoneNumber", fieldPhoneNo,
		"mobilePhoneNumber", fieldMobilePhoneNo, "email", fieldEMail, "website", fieldHomePage, "searchName", fieldSearchName,
		"privacyBlocked", fieldPrivacyBlocked, "taxRegistrationNumber", fieldVATRegistrationNo)
	list[len(list)-1].computed = true
	list = append(list, constant("lastInteractionDate", kindDate, "0001-01-01"))
	return append(list, columnsOf("lastModifiedDateTime", fieldModified)...)
}

func apiCustomer() []property {
	list := columnsOf("id", fieldSystemID, "number", fieldNo, "displayName", fieldName, "type", fieldType,
		"addressLine1", fieldAddress, "addressLine2", fieldAddress2, "city", fieldCity, "state", fieldCounty,
		"country", fieldCountryRegionCode, "postalCode", fieldPostCode, "phoneNumber", fieldPhoneNo, "email", fieldEMail,
		"website", fieldHomePage, "salespersonCode", fieldSalespersonCode)
	zero := guid{}.String()
	list = append(list, constant("balanceDue", kindNumber, "0"), constant("creditLimit", kindNumber, "0"),
		constant("taxLiable", kindBoolean, "true"), constant("taxAreaId", kindGUID, zero), constant("taxAreaDisplayName", kindText, ""),
		constant("taxRegistrationNumber", kindText, ""), constant("currencyId", kindGUID, zero))
	list = append(list, columnsOf("currencyCode", fieldCurrencyCode)...)
	list = append(list, constant("paymentTermsId", kindGUID, zero), constant("shipmentMethodId", kindGUID, zero),
		constant("paymentMethodId", kindGUID, zero))
	return append(list, columnsOf("blocked", fieldBlocked, "lastModifiedDateTime", fieldModified)...)
}

func customerList() []property {
	list := columnsOf("No", fieldNo, "Name", fieldName, "Name_2", fieldName2, "Post_Code", fieldPostCode,
		"Country_Region_Code", fieldCountryRegionCode, "Phone_No", fieldPhoneNo, "Contact", fieldContactName,
		"Salesperson_Code", fieldSalespersonCode, "Currency_Code", fieldCurrencyCode, "Search_Name", fieldSearchName,
		"Blocked", fieldBlocked, "Last_Date_Modified", fieldModified)
	list[len(list)-1].kind = kindDate
	return append(list, constant("Balance_LCY", kindNumber, "0"), constant("Coupled_to_Dataverse", kindBoolean, "false"))
}

func customerCard() []property {
	list := columnsOf("No", fieldNo, "Name", fieldName, "Name_2", fieldName2, "Search_Name", fieldSearchName, "Blocked", fieldBlocked)
	list = append(list, constant("Balance_LCY", kindNumber, "0"), constant("Privacy_Blocked", kindBoolean, "false"))
	list = append(list, columnsOf("Salesperson_Code", fieldSalespersonCode, "Last_Date_Modified", fieldModified)...)
	list[len(list)-1].kind = kindDate
	list = append(list, columnsOf("Address", fieldAddress, "Address_2", fieldAddress2, "Country_Region_Code", fieldCountryRegionCode,
		"City", fieldCity, "County", fieldCounty, "Post_Code", fieldPostCode)...)
	list = append(list, constant("ShowMap", kindText, "Show on Map"))
	list = append(list, columnsOf("Phone_No", fieldPhoneNo, "MobilePhoneNo", fieldMobilePhoneNo, "E_Mail", fieldEMail,
		"Home_Page", fieldHomePage, "Primary_Contact_No", fieldPrimaryContactNo, "ContactName", fieldContactName)...)
	return append(list, constant("Customized_Calendar", kindText, "No"), constant("LastPaymentDate", kindDate, "0001-01-01"),
		constant("Date_Filter", kindText, "''..05/07/26"))
}

// An entitySet is what one URL segment of a company answers with.
type entitySet struct {
	name       string // in URLs
	typeName   string // qualified, in metadata and errors
	table      *table
	properties []property
	key        field
	api        bool // values are encoded as /api/ does
	list       Route
	single     Route
}

// find returns the property of exactly this name.
func (e *entitySet) find(name string) *property {
	for i := range e.properties {
		if e.properties[i].name == name {
			return &e.properties[i]
		}
	}
	return nil
}

// has reports whether a property shows this field.
func (e *entitySet) has(f field) bool {
	return slices.ContainsFunc(e.properties, func(p property) bool { return p.field == f && !p.computed })
}

// published builds the entity set of a service.
func (s *Simulator) published(service Service) (*entitySet, error) {
	e := &entitySet{name: service.Name, typeName: "NAV." + service.Name, key: fieldNo}
	if !validServiceName(service.Name) {
		return nil, fmt.Errorf("service %q: a name begins with a letter and holds letters, digits and _ only", service.Name)
	}
	var err error
	switch service.Page {
	case ContactPage, "":
		e.table, e.list, e.single = s.contacts, RouteContacts, RouteContact
		e.properties, err = contactProperties(service.Profile)
		e.properties = append(e.properties, s.extraProperties()...)
	case CustomerListPage:
		e.table, e.list, e.single, e.properties = s.customers, RouteCustomers, RouteCustomer, customerList()
	case CustomerCardPage:
		e.table, e.list, e.single, e.properties = s.customers, RouteCustomerCards, RouteCustomerCard, customerCard()
	default:
		err = fmt.Errorf("no page %q", service.Page)
	}
	if err != nil {
		return nil, fmt.Errorf("service %q: %w", service.Name, err)
	}
	if err := e.shape(service, s.cfg.Assumptions.ActiveWebUser); err != nil {
		return nil, fmt.Errorf("service %q: %w", service.Name, err)
	}
	return e, nil
}

// shape applies Without, Rename, KeySystemID and the type of Active_Web_User.
func (e *entitySet) shape(service Service, active ActiveForm) error {
	for _, name := range service.Without {
		if e.find(name) == nil {
			return fmt.Errorf("there is no property %q to leave out", name)
		}
	}
	for name := range service.Rename {
		if e.find(name) == nil {
			return fmt.Errorf("there is no property %q to rename", name)
		}
	}
	e.properties = slices.DeleteFunc(e.properties, func(p property) bool { return slices.Contains(service.Without, p.name) })
	for i, p := range e.properties {
		if p.kind == kindActive {
			e.properties[i].text = active.edmType()
		}
		if name, ok := service.Rename[p.name]; ok {
			e.properties[i].name = name
		}
	}
	if service.KeySystemID {
		e.key = fieldSystemID
	}
	if !e.has(e.key) {
		return fmt.Errorf("the key %s is no property", columns[e.key].name)
	}
	return nil
}

func (s *Simulator) extraProperties() []property {
	var list []property
	for _, extra := range s.cfg.ExtraProperties {
		if extra.Type == "" {
			extra.Type = "Edm.String"
		}
		list = append(list, property{name: extra.Name, field: fieldExtra, kind: kindExtra, text: extra.Type})
	}
	return list
}

func validServiceName(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127
		if !letter && (i == 0 || !strings.ContainsRune("_0123456789", r)) {
			return false
		}
	}
	return name != "" && len(name) <= 240
}
