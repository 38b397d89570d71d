//! What a document says of why it was issued, in the documents' languages; in English where we have no words.

/// Why.
#[derive(Clone, Copy, Debug)]
pub(super) enum Why<'a> {
    /// A credit note for a refund.
    Refunded,
    /// One for a lost dispute.
    Disputed,
    /// One over the invoice of this number, which another one replaces.
    Replaced(&'a str),
    /// An invoice that takes back the credit note of this number.
    TakenBack(&'a str),
    /// An invoice in the place of the first number, which the credit note of the second takes back.
    Instead(&'a str, &'a str),
}

impl Why<'_> {
    /// As a sentence in the language of a BCP 47 tag.
    pub(super) fn sentence(self, locale: &str) -> String {
        let [refunded, disputed, replaced, taken_back, instead] = match locale.split('-').next().unwrap_or_default() {
            "de" => [
                "Der Betrag wurde erstattet.",
                "Die Bank hat die Zahlung zurückgebucht.",
                "Hebt die Rechnung {1} auf, an deren Stelle eine neue tritt; es fließt kein Geld.",
                "Hebt die Gutschrift {1} auf: Das Geld ist nicht geflossen.",
                "An Stelle der Rechnung {1}, die mit der Gutschrift {2} aufgehoben ist.",
            ],
            "fr" => [
                "Le montant a été remboursé.",
                "La banque a annulé le paiement.",
                "Annule la facture {1}, remplacée par une nouvelle ; sans mouvement d’argent.",
                "Annule l’avoir {1} : l’argent n’a pas été versé.",
                "Remplace la facture {1}, annulée par l’avoir {2}.",
            ],
            "es" => [
                "El importe se ha reembolsado.",
                "El banco ha revertido el pago.",
                "Anula la factura {1}, sustituida por una nueva; sin movimiento de dinero.",
                "Anula la factura rectificativa {1}: el dinero no se ha devuelto.",
                "Sustituye a la factura {1}, anulada por la factura rectificativa {2}.",
            ],
            "it" => [
                "L’importo è stato rimborsato.",
                "La banca ha stornato il pagamento.",
                "Annulla la fattura {1}, sostituita da una nuova; senza movimento di denaro.",
                "Annulla la nota di credito {1}: il denaro non è stato restituito.",
                "Sostituisce la fattura {1}, annullata dalla nota di credito {2}.",
            ],
            "nl" => [
                "Het bedrag is terugbetaald.",
                "De bank heeft de betaling teruggeboekt.",
                "Vervalt: factuur {1}, vervangen door een nieuwe; er wordt geen geld overgemaakt.",
                "Creditnota {1} vervalt: het geld is niet terugbetaald.",
                "In plaats van factuur {1}, die met creditnota {2} is vervallen.",
            ],
            _ => [
                "The amount was refunded.",
                "The bank of the cardholder took the payment back.",
                "Takes back invoice {1}, which another one replaces; no money moves.",
                "Takes back credit note {1}: the money did not go out.",
                "In the place of invoice {1}, which credit note {2} takes back.",
            ],
        };
        match self {
            Self::Refunded => refunded.to_owned(),
            Self::Disputed => disputed.to_owned(),
            Self::Replaced(invoice) => replaced.replace("{1}", invoice),
            Self::TakenBack(note) => taken_back.replace("{1}", note),
            Self::Instead(invoice, note) => instead.replace("{1}", invoice).replace("{2}", note),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_names_the_documents() {
        for locale in ["en", "en-GB", "de", "fr", "es", "it", "nl", "ar", "tlh"] {
            assert!(Why::Refunded.sentence(locale).ends_with('.') && Why::Disputed.sentence(locale).ends_with('.'));
            assert!(Why::Replaced("INV-1").sentence(locale).contains("INV-1"), "{locale}");
            assert!(Why::TakenBack("CN-1").sentence(locale).contains("CN-1"), "{locale}");
            let both = Why::Instead("INV-1", "CN-1").sentence(locale);
            assert!(both.contains("INV-1") && both.contains("CN-1") && !both.contains('{'), "{both}");
        }
    }
}
