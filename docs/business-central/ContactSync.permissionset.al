// What the Entra application of the transfer needs besides a set with which it may sign in and read the company: contacts,
// and customers, because an id that is no contact may be a customer's.
permissionset 50110 "ContactSync Read"
{
    Caption = 'Contacts for iPaaS.com, read';
    Assignable = true;
    Permissions =
        page "ContactSync Contact API" = X,
        tabledata Contact = R,
        tabledata Customer = R;
}
