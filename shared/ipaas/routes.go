package ipaas

import "net/url"

// The tables of external ids (ipaas.md 7). That of companies is not known from
// any published client, hence Config.CompanyTable.
const (
	tableCustomer = "customer"
	tableCompany  = "Customer Company"
)

// Routes below the base URL (ipaas.md 6.1, 7; assumptions 14, no. 1).
const (
	routeCustomer  = "/customers/v2/Customer"
	routeCustomers = "/customers/v2/Customers"
	routeExternal  = "/customers/v2/External"
)

func pathCustomer(id string) string { return routeCustomer + "/" + url.PathEscape(id) }

func pathLookUp(systemID, table, externalID string) string {
	return routeExternal + "/LookupSpaceport/" + url.PathEscape(systemID) + "/" + url.PathEscape(table) + "/" + url.PathEscape(externalID)
}

func pathLookUpExternal(id, systemID, table string) string {
	return routeExternal + "/LookupExternal/" + url.PathEscape(id) + "/" + url.PathEscape(systemID) + "/" + url.PathEscape(table)
}
