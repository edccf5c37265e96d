// The three values that the mapping reads and Microsoft's contact table does not have. If an extension of your own has
// them already, leave this file out and name its fields in ContactApi.page.al.
tableextension 50110 "ContactSync Contact Fields" extends Contact
{
    fields
    {
        field(50110; "Customer Type"; Text[50])
        {
            Caption = 'Customer Type';
            DataClassification = CustomerContent;
        }
        field(50111; "Web User Role"; Text[50])
        {
            Caption = 'Web User Role';
            DataClassification = CustomerContent;
        }
        field(50112; "Active Web User"; Boolean)
        {
            Caption = 'Active Web User';
            DataClassification = CustomerContent;
        }
    }
}
