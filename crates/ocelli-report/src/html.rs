//! A page of HTML with everything inside: no script, no network, light and dark.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::path::Path;

use crate::ReportError;
use ocelli_common::write_whole;

const STYLE: &str = include_str!("html/style.css");

/// Builds one page from top to bottom. All words are escaped.
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    body: String,
}

/// A table of words and figures.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The column heads.
    pub head: Vec<String>,
    /// The rows, each as long as the head.
    pub rows: Vec<Vec<Cell>>,
}

/// One cell of a [`Table`].
#[derive(Clone, Debug)]
pub enum Cell {
    /// Words, set flush left.
    Text(String),
    /// A number as it shall be shown, set flush right.
    Number(String),
    /// A picture as PNG, with words for who cannot see it.
    Picture(Vec<u8>, String),
}

impl Page {
    /// A page with a title and a line below it.
    pub fn new(title: &str, subtitle: &str) -> Self {
        let mut page = Self { title: escape(title), body: String::new() };
        let title = &page.title;
        page.body = format!("<h1>{title}</h1>\n<p class=\"subtitle\">{}</p>\n", escape(subtitle));
        page
    }

    /// Begins a section.
    pub fn section(&mut self, heading: &str) -> &mut Self {
        self.push(format_args!("<h2>{}</h2>\n", escape(heading)))
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.push(format_args!("<p>{}</p>\n", escape(text)))
    }

    /// Text as it is, in a fixed-width face.
    pub fn code(&mut self, text: &str) -> &mut Self {
        self.push(format_args!("<pre><code>{}</code></pre>\n", escape(text)))
    }

    /// A few values in large letters, each with its name.
    pub fn headlines(&mut self, headlines: &[(String, String)]) -> &mut Self {
        self.push(format_args!("<dl class=\"numbers\">\n"));
        for (name, value) in headlines {
            let (name, value) = (escape(name), escape(value));
            self.push(format_args!("<div><dt>{name}</dt><dd>{value}</dd></div>\n"));
        }
        self.push(format_args!("</dl>\n"))
    }

    /// A figure that one of this crate's plots drew.
    pub fn figure(&mut self, svg: &str) -> &mut Self {
        self.push(format_args!("<figure>{svg}</figure>\n"))
    }

    /// A picture, inside the page, with words for who cannot see it.
    pub fn picture(&mut self, png: &[u8], words: &str) -> &mut Self {
        let (data, words) = (STANDARD.encode(png), escape(words));
        self.push(format_args!(
            "<figure><img alt=\"{words}\" src=\"data:image/png;base64,{data}\"></figure>\n"
        ))
    }

    /// A table.
    pub fn table(&mut self, table: &Table) -> &mut Self {
        self.push(format_args!("<table>\n<thead><tr>"));
        for head in &table.head {
            self.push(format_args!("<th>{}</th>", escape(head)));
        }
        self.push(format_args!("</tr></thead>\n<tbody>\n"));
        for row in &table.rows {
            self.push(format_args!("<tr>"));
            for cell in row {
                match cell {
                    Cell::Text(text) => self.push(format_args!("<td>{}</td>", escape(text))),
                    Cell::Number(number) => {
                        self.push(format_args!("<td class=\"number\">{}</td>", escape(number)))
                    }
                    Cell::Picture(png, words) => {
                        let (data, words) = (STANDARD.encode(png), escape(words));
                        self.push(format_args!(
                            "<td><img alt=\"{words}\" src=\"data:image/png;base64,{data}\"></td>"
                        ))
                    }
                };
            }
            self.push(format_args!("</tr>\n"));
        }
        self.push(format_args!("</tbody>\n</table>\n"))
    }

    /// The whole page.
    pub fn to_html(&self) -> String {
        let (title, body) = (&self.title, &self.body);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<main>\n{body}</main>\n</body>\n</html>\n"
        )
    }

    /// Writes the page to `path`, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        write_whole(path, self.to_html().as_bytes()).map_err(ReportError::io(path))
    }

    fn push(&mut self, html: std::fmt::Arguments<'_>) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = self.body.write_fmt(html);
        self
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_inside_the_page() {
        let html = Page::new("t", "s").picture(b"\x89PNG", "maps").to_html();
        assert!(html.contains("<img alt=\"maps\" src=\"data:image/png;base64,iVBORw==\">"));
    }

    #[test]
    fn names_from_outside_cannot_become_markup() {
        let attack = "<script>alert(1)</script>";
        let mut page = Page::new(attack, attack);
        page.section(attack).paragraph(attack).code(attack).picture(b"", attack);
        page.headlines(&[(attack.into(), attack.into())]);
        page.table(&Table {
            head: vec![attack.into()],
            rows: vec![
                vec![Cell::Text(attack.into())],
                vec![Cell::Number(attack.into())],
                vec![Cell::Picture(Vec::new(), attack.into())],
            ],
        });
        let html = page.to_html();
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;").count(), 13);
    }
}
