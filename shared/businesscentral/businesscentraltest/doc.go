// Package businesscentraltest simulates Business Central as far as the project
// calls it: sign-in, published web services over OData V4, API v2.0 and a custom
// API, webhook subscriptions. It keeps records, applies the rules that
// business-central.md calls confirmed, and can be told to fail. It is the test
// double, the sandbox and the load target.
//
// What it does not know fails the test that runs it, with the request in the
// message. Where the reference has only an assumption (its section 12), the
// assumed behaviour is the default and a member of [Assumptions] or [Config]
// switches to the other one:
//
//	 1 wire names of the contact page     Service.Profile, Without, Rename
//	 2 internal id, key of the page       Service.Without, KeySystemID
//	 3 time of change on the page         Service.Without, Rename
//	 4 type of Active_Web_User            Assumptions.ActiveWebUser
//	 5 RecordType on the wire             Service.Profile ModelNames, Without
//	 6 contacts can be subscribed         Assumptions.ContactsNotSubscribable
//	 7 handshake by POST                  Assumptions.HandshakeByGET
//	 9 404 of an unknown record           Assumptions.RecordNotFoundByTable
//	10 401 without a token                Assumptions.EmptyUnauthorized
//	11 missing permission is 403          Assumptions.PermissionAs401
//	12 Retry-After on 429                 Config.RetryAfter
//	13 notifications before a collection  Config.MaxNotifications
//	14 default order is the number        Assumptions.DefaultOrderByID
//	15 a skiptoken stays valid            Assumptions.SkipTokenNeedsRow, SkipTokenFollowsRow
//	16 text as enum literal               Assumptions.EnumFilterNeedsType
//	17 case of text filters               Assumptions.TextFiltersIgnoreCase
//	19 status of an unknown company       Assumptions.UnknownCompanyStatus
//	20 maxpagesize on pages               Assumptions.PagesIgnoreMaxPageSize
//	23 oversized page is capped           Assumptions.OversizedPageRefused
package businesscentraltest
