//! Names of strangers as words that a terminal only shows.
//!
//! A file name may hold escape sequences, which move the cursor, change colours and worse, and line
//! breaks, which make one line look like several. JSON has its own escapes and needs none of this.

use std::borrow::Cow;

/// `text` in one line: control characters, and characters that turn the direction of writing, as escapes.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// The same for text of several lines and columns, whose parts are plain.
pub(crate) fn plain_lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| matches!(c, '\n' | '\t'))
}

fn escape(text: &str, is_allowed: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_hidden = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')) && !is_allowed(c)
    };
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) { escaped.extend(c.escape_default()) } else { escaped.push(c) }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let name = "a\u{1b}[31mb\nc\u{7}\u{9b}0m\u{202e}gpj.é 🦊";
        assert_eq!(plain(name), "a\\u{1b}[31mb\\nc\\u{7}\\u{9b}0m\\u{202e}gpj.é 🦊");
        assert_eq!(plain_lines("a\tb\n\u{1b}c"), "a\tb\n\\u{1b}c");
        assert!(matches!(plain("Ankle boot"), Cow::Borrowed(_)));
    }
}
