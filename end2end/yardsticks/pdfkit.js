// The yardstick of `make bench` for invoices: the same page by hand with PDFKit. Neither tags nor PDF/A nor XML, so
// it has less to do.
//
//   node pdfkit.js helvetica|noto COUNT      µs of CPU each, invoices a second, bytes

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import PDFDocument from "pdfkit";

const [face, times] = process.argv.slice(2);
const invoices = new URL("../../server/invoice/", import.meta.url);
const invoice = JSON.parse(readFileSync(new URL("tests/documents/one-page.json", invoices), "utf8"));
// Read once, as a server would; PDFKit parses them for each document.
const noto = (weight) => readFileSync(fileURLToPath(new URL(`fonts/NotoSans-${weight}.ttf`, invoices)));
const [regular, bold] = face === "noto" ? [noto("Regular"), noto("Bold")] : ["Helvetica", "Helvetica-Bold"];
const logo = Buffer.from(invoice.seller.logo, "base64").toString();
const paths = [...logo.matchAll(/<path d="([^"]+)" fill="([^"]+)"/g)].map(([, path, fill]) => ({ path, fill }));

const euro = new Intl.NumberFormat("en", { style: "currency", currency: invoice.currency });
const plain = new Intl.NumberFormat("en", { minimumFractionDigits: 2 });
const long = new Intl.DateTimeFormat("en", { dateStyle: "long", timeZone: "UTC" });
const day = (text) => long.format(new Date(text));

function make(number) {
  return new Promise((resolve, reject) => {
    const doc = new PDFDocument({ size: "A4", margin: 0, info: { Title: `Invoice ${number}` }, lang: "en" });
    const chunks = [];
    doc.on("data", (chunk) => chunks.push(chunk));
    doc.on("end", () => resolve(Buffer.concat(chunks)));
    doc.on("error", reject);
    doc.registerFont("regular", regular);
    doc.registerFont("bold", bold);
    const text = (words, x, y, { font = "regular", size = 9, color = "#221c14", width, align } = {}) =>
      doc.font(font).fontSize(size).fillColor(color).text(words, x, y, { width, align, lineBreak: width !== undefined });
    const soft = "#6b6152";
    const [left, right] = [56, 539];

    doc.save().translate(left, 50).scale(0.5);
    for (const { path, fill } of paths) doc.path(path).fill(fill);
    doc.restore();
    const { seller, buyer, totals } = invoice;
    [seller.name, ...seller.address, "Germany", seller.email].forEach((line, i) =>
      text(line, right - 200, 50 + i * 10, { size: 7.5, color: soft, width: 200, align: "right", font: i ? "regular" : "bold" }));
    text([seller.name, ...seller.address].join(" · "), left, 132, { size: 6.5, color: soft });
    text("Billed to", left, 144, { size: 7.5, color: soft });
    text(buyer.name, left, 156, { font: "bold" });
    [...buyer.address, "France", buyer.email].forEach((line, i) => text(line, left, 168 + i * 12));
    text("Invoice", 309, 130, { font: "bold", size: 22, color: "#684506" });
    [["Number", number], ["Date", day(invoice.issued_on)], ["Date of supply", day(invoice.delivered_on)],
      ["Order", invoice.order_number]].forEach(([label, value], i) => {
      text(label, 309, 164 + i * 12, { color: soft });
      text(value, 409, 164 + i * 12);
    });

    const columns = [[left, 213], [269, 36], [305, 80], [385, 54], [439, 100]];
    const row = (cells, y, style) => cells.forEach((cell, i) =>
      text(cell, columns[i][0], y, { ...style, width: columns[i][1], align: i ? "right" : "left" }));
    const rule = (y, width, color, from = left) => doc.lineWidth(width).strokeColor(color).moveTo(from, y).lineTo(right, y).stroke();
    row(["Item", "Qty", "Unit price", "VAT", "Amount incl. VAT"], 248, { size: 7.5, color: soft });
    rule(262, 0.8, soft);
    let y = 268;
    for (const line of invoice.lines) {
      row([line.title, String(line.quantity), plain.format(line.unit_amount / 100), "7%", plain.format(line.gross / 100)], y);
      text(line.details, left, y + 12, { size: 7.5, color: soft });
      y += 30;
      rule(y - 5, 0.5, "#ded3c1");
    }
    y += 8;
    const sum = (label, amount, style) => {
      text(label, 229, y, { color: soft, ...style });
      text(euro.format(amount / 100), right - 105, y, { ...style, width: 105, align: "right" });
      y += 14;
    };
    sum("Net amount", totals.net);
    sum("VAT 7%", totals.tax);
    rule(y, 1, "#684506", 229);
    y += 5;
    sum("Total", totals.gross, { font: "bold", size: 12, color: "#221c14" });
    y += 4;
    sum(`Paid: ${invoice.payment.means} · ${day(invoice.payment.on)}`, totals.paid);
    text("Licence", left, y + 14, { font: "bold", size: 8 });
    text(invoice.licence, left, y + 25, { size: 8, color: soft, width: 340 });
    rule(762, 0.5, "#ded3c1");
    text([`VAT ID ${seller.vat_id}`, `Tax number ${seller.tax_number}`, ...seller.legal_text.split("\n")].join("  ·  "),
      left, 769, { size: 7.5, color: soft, width: right - left });
    doc.end();
  });
}

let bytes = 0;
for (let i = 0; i < 200; i += 1) bytes = (await make(`INV-2026-${i}`)).length;
const count = Number(times);
const [began, cpu] = [performance.now(), process.cpuUsage()];
for (let i = 0; i < count; i += 1) await make(`INV-2026-${1000 + i}`);
const used = process.cpuUsage(cpu);
const each = Math.round((used.user + used.system) / count);
console.log(`${each} ${Math.floor((count * 1000) / (performance.now() - began))} ${bytes}`);
