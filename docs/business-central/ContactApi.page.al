// Contacts as the transfer reads them, in one request for each page of up to 20,000 rows.
//
// Microsoft ends the publishing of its own pages as web services (version 30), the published contact card lacks the
// names, the internal id and the time of change, and API v2.0 contacts has neither names nor fields of an extension.
// This page has every value that the mapping reads. files/profile-contact-api.yaml names its fields for BC_PROFILE;
// BC_API_PATH is contactsync/transfer/v1.0.
//
// The names id and lastModifiedDateTime must stay: a notification about many changed contacts at once carries its
// filter only for a page that has a control of that name. Names of controls in API pages are alphanumeric (AL0528).
page 50110 "ContactSync Contact API"
{
    PageType = API;
    Caption = 'Contacts for iPaaS.com', Locked = true;
    APIPublisher = 'contactsync';
    APIGroup = 'transfer';
    APIVersion = 'v1.0';
    EntityName = 'contact';
    EntitySetName = 'contacts';
    EntityCaption = 'Contact', Locked = true;
    EntitySetCaption = 'Contacts', Locked = true;
    SourceTable = Contact;
    ODataKeyFields = SystemId;
    Extensible = false;
    DelayedInsert = true;

    // The transfer reads only.
    Editable = false;
    InsertAllowed = false;
    ModifyAllowed = false;
    DeleteAllowed = false;

    // No DataAccessIntent = ReadOnly: a replica may lack the latest changes, and the watermark would pass them by.

    layout
    {
        area(Content)
        {
            repeater(Contacts)
            {
                field(id; Rec.SystemId) { Caption = 'Id', Locked = true; }
                field(number; Rec."No.") { Caption = 'No.', Locked = true; }
                field(type; Rec.Type) { Caption = 'Type', Locked = true; }
                field(contactBusinessRelation; Rec."Contact Business Relation") { Caption = 'Contact Business Relation', Locked = true; }
                field(customerType; Rec."Customer Type") { Caption = 'Customer Type', Locked = true; }
                field(webUserRole; Rec."Web User Role") { Caption = 'Web User Role', Locked = true; }
                field(activeWebUser; Rec."Active Web User") { Caption = 'Active Web User', Locked = true; }
                field(companyNumber; Rec."Company No.") { Caption = 'Company No.', Locked = true; }
                field(companyName; Rec."Company Name") { Caption = 'Company Name', Locked = true; }
                field(firstName; Rec."First Name") { Caption = 'First Name', Locked = true; }
                field(lastName; Rec.Surname) { Caption = 'Surname', Locked = true; }
                field(email; Rec."E-Mail") { Caption = 'E-Mail', Locked = true; }
                field(addressLine1; Rec.Address) { Caption = 'Address', Locked = true; }
                field(addressLine2; Rec."Address 2") { Caption = 'Address 2', Locked = true; }
                field(city; Rec.City) { Caption = 'City', Locked = true; }
                field(state; Rec.County) { Caption = 'County', Locked = true; }
                field(postalCode; Rec."Post Code") { Caption = 'Post Code', Locked = true; }
                field(country; Rec."Country/Region Code") { Caption = 'Country/Region Code', Locked = true; }
                field(phoneNumber; Rec."Phone No.") { Caption = 'Phone No.', Locked = true; }
                field(privacyBlocked; Rec."Privacy Blocked") { Caption = 'Privacy Blocked', Locked = true; }
                field(lastModifiedDateTime; Rec.SystemModifiedAt) { Caption = 'Last Modified Date Time', Locked = true; }
            }
        }
    }
}
