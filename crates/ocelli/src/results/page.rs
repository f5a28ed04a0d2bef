//! A page of Markdown in blocks: the text that readers see, and the comments about it.

use super::marker::SIGN;

/// What stands between two empty lines, or one row of a table.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Block {
    /// The text without comments; of a block of comments alone, that of the block before.
    pub(super) text: String,
    /// The line on which it begins.
    pub(super) line: u64,
    /// The comments on results, each with its line.
    pub(super) markers: Vec<(u64, String)>,
    /// Whether there is nothing else in it.
    pub(super) is_comment: bool,
}

impl Block {
    /// Whether it is a row of a table.
    pub(super) fn is_row(&self) -> bool {
        self.text.starts_with('|') && !self.is_comment
    }
}

/// The blocks of a page, without those of code.
pub(super) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut lines, mut is_code, mut is_comment) = (Vec::new(), false, false);
    let mut end = |lines: &mut Vec<(u64, &str)>| {
        if let Some(block) = block(lines, &blocks) {
            blocks.push(block);
        }
        lines.clear();
    };
    for (line, text) in (1..).zip(page.lines()) {
        if text.trim_start().starts_with("```") {
            is_code = !is_code;
            end(&mut lines);
        } else if is_code || (text.trim().is_empty() && !is_comment) {
            end(&mut lines);
        } else if text.starts_with('|') && !is_comment {
            end(&mut lines);
            lines.push((line, text));
            end(&mut lines);
        } else {
            lines.push((line, text));
            is_comment = match (text.rfind("<!--"), text.rfind("-->")) {
                (Some(open), Some(close)) => open > close,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => is_comment,
            };
        }
    }
    end(&mut lines);
    blocks
}

/// The block of these lines.
fn block(lines: &[(u64, &str)], before: &[Block]) -> Option<Block> {
    let (line, _) = *lines.first()?;
    let whole = lines.iter().map(|(_, text)| *text).collect::<Vec<_>>().join("\n");
    let mut block = Block { line, ..Block::default() };
    let mut rest = whole.as_str();
    let mut at = line;
    while let Some(open) = rest.find("<!--") {
        let (text, comment) = rest.split_at(open);
        block.text += text;
        at += text.matches('\n').count() as u64;
        let comment = comment.trim_start_matches("<!--");
        let (comment, after) = comment.split_once("-->").unwrap_or((comment, ""));
        if let Some(marker) = comment.trim_start().strip_prefix(SIGN) {
            block.markers.push((at, marker.to_owned()));
        }
        at += comment.matches('\n').count() as u64;
        rest = after;
    }
    block.text += rest;
    if block.text.trim().is_empty() {
        block.is_comment = true;
        block.text = before_comment(before);
    }
    Some(block)
}

/// The text of the last block that is no comment; of a table, that of all its rows.
fn before_comment(before: &[Block]) -> String {
    let mut texts: Vec<&str> = Vec::new();
    for block in before.iter().rev().filter(|block| !block.is_comment) {
        if !texts.is_empty() && !block.is_row() {
            break;
        }
        texts.push(&block.text);
        if !block.is_row() {
            break;
        }
    }
    texts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_into_paragraphs_and_rows() {
        let page = "\
one
and two <!-- result: a.csv n~1 -->

| 3 | four <!-- result: a.csv n~2 --><!-- other --> |
| 5 | six |

<!-- result: a.csv
 n~3 -->

```text
<!-- result: code -->
```
seven
";
        let blocks = blocks(page);
        let texts: Vec<&str> = blocks.iter().map(|block| block.text.trim()).collect();
        let table = "| 5 | six |\n| 3 | four  |";
        assert_eq!(texts, ["one\nand two", "| 3 | four  |", "| 5 | six |", table, "seven"]);
        let markers: Vec<_> = blocks.iter().flat_map(|block| &block.markers).collect();
        let expected = [(2, " a.csv n~1 "), (4, " a.csv n~2 "), (7, " a.csv\n n~3 ")];
        assert_eq!(
            markers,
            expected.map(|(line, text)| (line, text.to_owned())).iter().collect::<Vec<_>>()
        );
    }
}
