//! A table of sample data and its CSV text.

/// Rows for one table of a department's database.
#[derive(Clone, Debug)]
pub struct Table {
    /// Whose data it is.
    pub department: &'static str,
    /// The table's name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [&'static str],
    /// Its rows, a text for each column; empty for no value.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new(department: &'static str, name: &'static str, columns: &'static [&'static str]) -> Self {
        Self { department, name, columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push<const N: usize>(&mut self, row: [String; N]) {
        debug_assert_eq!(N, self.columns.len(), "{}/{}", self.department, self.name);
        self.rows.push(row.into());
    }

    /// The CSV text (RFC 4180), with a line that names the columns.
    ///
    /// # Errors
    /// A row of another length than the columns.
    pub fn to_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns)?;
        for row in &self.rows {
            writer.write_record(row)?;
        }
        writer.into_inner().map_err(|e| e.into_error().into())
    }
}

/// An amount in hundredths, as `12.50`.
pub fn hundredths(amount: i64) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", amount.abs() / 100, amount.abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_their_sign_and_zeros() {
        assert_eq!([5, -5, 1250, -1205].map(hundredths), ["0.05", "-0.05", "12.50", "-12.05"]);
    }
}
