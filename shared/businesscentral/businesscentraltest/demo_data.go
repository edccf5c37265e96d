package businesscentraltest

// demoCompany is a company of the demo data; its persons follow it in number.
type demoCompany struct {
	name, address, city, county, postCode, country string
	customer                                       string // number of the customer it is, if any
	linked                                         bool   // whether iPaaS.com is meant to know it
	persons                                        []string
}

// demoCompanies begin with those of the evaluation company CRONUS
// (business-central.md section 10), whose first contact is CT000001.
var demoCompanies = []demoCompany{
	{"Adatum Corporation", "192 Market Square", "Atlanta", "GA", "31772", "US", "10000", true, []string{"Robert Townes", "Ana Bowman", "Peter Houston"}},
	{"Trey Research", "153 Thomas Drive", "Chicago", "IL", "61236", "US", "20000", true, []string{"Helen Ray", "Carlos Grilo", "Tammy McDonald"}},
	{"School of Fine Art", "10 High Tower Green", "Miami", "FL", "37125", "US", "30000", true, []string{"Meagan Bond", "Kevin F. Browne"}},
	{"Alpine Ski House", "10 Deerfield Road", "Atlanta", "GA", "31772", "US", "40000", true, []string{"Ian Deberry", "Linda Mitchell", "Karl Wenzel"}},
	{"Relecloud", "25 Water Way", "Atlanta", "GA", "31772", "US", "50000", true, []string{"Jesse Homer", "Stephanie Bourne"}},
	{"Fabrikam, Inc.", "10 North Lake Avenue", "Atlanta", "GA", "31772", "US", "", true, []string{"Krystal York", "Jose Ignacio Peiro Alba"}},
	{"First Up Consultants", "100 Day Drive", "Chicago", "IL", "61236", "US", "", true, []string{"Evan McIntosh", "Rob Young"}},
	{"Graphic Design Institute", "101 Pinnacle Park", "New York", "NY", "10118", "US", "", true, []string{"Bryce Jasso", "Ida Sørensen"}},
	{"Wide World Importers", "5 Main Street", "Boston", "MA", "02108", "US", "", true, []string{"Toby Rhode", "Nuria González"}},
	{"Nod Publishers", "1 Bookbinder Lane", "Seattle", "WA", "98052", "US", "", true, []string{"Raymond Hillard", "Zoë Dufresne"}},
	{"DanMøbler", "Industrivej 12", "Ålborg", "", "9000", "DK", "", true, []string{"Karen Berg", "Jørgen Kær", "Åse Øster"}},
	{"Möbel Scherrer GmbH", "Königsstraße 4", "Köln", "", "50667", "DE", "", true, []string{"Jürgen Groß", "Änne Strauß"}},
	{`Taylor"s Office Warehouse`, `3 "Old" Mill Yard`, "Leeds", "", "LS1 4AP", "GB", "", true, []string{"Siobhán O'Brien", "Hugh D'Arcy"}},
	{"Gagn & Gaman", "Laugavegur 7 <bakhús>", "Reykjavík", "", "101", "IS", "", true, []string{"Þóra Jónsdóttir", "Björk Ævarsdóttir"}},
	{"Éditions de l'Élysée", "8 Rue d'Alésia", "Paris", "", "75014", "FR", "", true, []string{"François Lefèvre", "Chloé Noël"}},
	{"Przedsiębiorstwo Łódź", "ul. Piotrkowska 9", "Łódź", "", "90-001", "PL", "", true, []string{"Łukasz Żak", "Świętosława Ćwik"}},
	{"東京デザイン", "千代田1-1", "東京", "", "100-0001", "JP", "", true, []string{"Yuki Tanaka"}},
	{"Litware, Inc.", "77 Canal Road", "London", "", "N16 34Z", "GB", "", false, []string{"Oliver Lee", "Grace Moss"}},
	{"Proseware, Inc.", "12 Abbey Close", "Bath", "", "BA1 1AA", "GB", "", false, []string{"Amelia Stone", "Noah Reeves"}},
}

var demoFirstNames = []string{"Alan", "Beatrix", "Cédric", "Daria", "Emil", "Fiona", "Gustav", "Hanna", "Ivo", "Jana",
	"Kofi", "Léa", "Mirko", "Nadia", "Oskar", "Paula", "Quentin", "Renée", "Søren", "Teresa"}

var demoSurnames = []string{"Abbott", "Brûlé", "Castro", "Dahl", "Eriksson", "Fischer", "García", "Hoffmann", "Ibsen",
	"Jansen", "Kowalski", "Lindqvist", "Müller", "Nilsen"}
