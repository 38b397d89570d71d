//! Writing HTML: everything that was not written here is escaped.

/// Text for an element or a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// One labelled text field.
pub(super) struct Field<'a> {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) value: &'a str,
    pub(super) error: Option<&'a str>,
    /// More attributes, written here, never from outside.
    pub(super) attributes: &'static str,
}

impl Field<'_> {
    /// Label, input and its error.
    pub(super) fn html(&self) -> String {
        let Self { name, label, attributes, .. } = self;
        let value = if self.value.is_empty() { String::new() } else { format!(" value=\"{}\"", escape(self.value)) };
        let (described, error) = described(name, self.error);
        format!(
            "<div class=\"field {name}\"><label for=\"{name}\">{label}</label>\
             <input id=\"{name}\" name=\"{name}\" {attributes}{value}{described}>{error}</div>\n"
        )
    }
}

/// The attributes and the element that tie an error to its field.
pub(super) fn described(name: &str, error: Option<&str>) -> (String, String) {
    match error {
        None => (String::new(), String::new()),
        Some(error) => (
            format!(" aria-invalid=\"true\" aria-describedby=\"{name}-error\""),
            format!("<p class=\"field-error\" id=\"{name}-error\">{}</p>", escape(error)),
        ),
    }
}

/// A whole page of the payment's kind around a body.
pub(super) fn document(title: &str, body: &str) -> String {
    document_with(title, "/_sandbox/page.css", body)
}

/// A whole page around a body, with a style sheet of ours.
pub(crate) fn document_with(title: &str, style: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"{style}\">\n</head>\n<body>\n{body}</body>\n</html>\n",
        escape(title)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_ends_an_element_or_attribute() {
        assert_eq!(escape("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
    }
}
