// Shows on the contact card what Microsoft's card lacks: the three fields of ContactFields.tableextension.al, so that
// somebody can fill them in, and what the transfer reads when the card itself is published as the web service
// Contact_Card (BC_PROFILE page-5050-extended): a control's name, with _ for its blanks, is the name on the wire.
pageextension 50110 "ContactSync Contact Card" extends "Contact Card"
{
    layout
    {
        addlast(General)
        {
            field("Customer Type"; Rec."Customer Type")
            {
                ApplicationArea = All;
                ToolTip = 'Specifies the customer type that iPaaS.com gets.';
            }
            field("Web User Role"; Rec."Web User Role")
            {
                ApplicationArea = All;
                ToolTip = 'Specifies the role of the contact in the web shop.';
            }
            field("Active Web User"; Rec."Active Web User")
            {
                ApplicationArea = All;
                ToolTip = 'Specifies whether the contact may use the web shop.';
            }
            field("First Name"; Rec."First Name")
            {
                ApplicationArea = All;
                Editable = false;
                Importance = Additional;
                ToolTip = 'Specifies the first name as the transfer reads it.';
            }
            field("Surname"; Rec.Surname)
            {
                ApplicationArea = All;
                Editable = false;
                Importance = Additional;
                ToolTip = 'Specifies the surname as the transfer reads it.';
            }
            field(SystemId; Rec.SystemId)
            {
                ApplicationArea = All;
                Editable = false;
                Importance = Additional;
                ToolTip = 'Specifies the internal id of the contact.';
            }
            field(SystemModifiedAt; Rec.SystemModifiedAt)
            {
                ApplicationArea = All;
                Editable = false;
                Importance = Additional;
                ToolTip = 'Specifies when the contact was changed.';
            }
        }
    }
}
