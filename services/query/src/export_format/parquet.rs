//! Parquet: row group by row group, so that a file of any length takes the memory of one.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use service_kit::ApiError;

use crate::answer::LineView;

/// The columns of CSV, the texts of which `LineView::csv_record` gives in this order.
const SCHEMA: &str = "
    message logs {
        REQUIRED INT64 timestamp (TIMESTAMP(MICROS,true));
        REQUIRED BYTE_ARRAY level (STRING);
        REQUIRED BYTE_ARRAY service (STRING);
        REQUIRED BYTE_ARRAY environment (STRING);
        REQUIRED BYTE_ARRAY message (STRING);
        OPTIONAL BYTE_ARRAY meta (JSON);
        OPTIONAL BYTE_ARRAY trace_id (STRING);
        OPTIONAL BYTE_ARRAY request_id (STRING);
        REQUIRED BYTE_ARRAY id (STRING);
    }";
/// Which of the texts, that is columns but the first, a line may lack.
const OPTIONAL: [bool; 8] = [false, false, false, false, true, true, true, false];
/// A row group has so many lines, or about so many bytes of text.
const GROUP_LINES: usize = 60_000;
const GROUP_BYTES: usize = 16 << 20;

/// A file that is being written.
pub(crate) struct File {
    writer: SerializedFileWriter<Pipe>,
    written: Pipe,
    group: Group,
}

/// The lines of the next row group, column by column.
#[derive(Default)]
struct Group {
    micros: Vec<i64>,
    texts: [Texts; 8],
    bytes: usize,
}

#[derive(Default)]
struct Texts {
    /// Those that there are.
    values: Vec<ByteArray>,
    /// For each line 1 if it has one, 0 if it lacks it.
    levels: Vec<i16>,
}

/// What was written and not taken yet.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Pipe {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl File {
    pub(super) fn begin() -> Result<Self, ApiError> {
        let schema = parse_message_type(SCHEMA).map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by("Sightline".to_owned())
            .build();
        let written = Pipe::default();
        let writer = SerializedFileWriter::new(written.clone(), Arc::new(schema), Arc::new(properties));
        Ok(Self {
            writer: writer.map_err(failed)?,
            written,
            group: Group::default(),
        })
    }

    pub(super) fn add(&mut self, lines: &[LineView]) -> Result<Bytes, ApiError> {
        for line in lines {
            self.group.push(line);
            if self.group.micros.len() >= GROUP_LINES || self.group.bytes >= GROUP_BYTES {
                self.write_group()?;
            }
        }
        Ok(self.written.take())
    }

    pub(super) fn finish(mut self) -> Result<Bytes, ApiError> {
        self.write_group()?;
        self.writer.close().map_err(failed)?;
        Ok(self.written.take())
    }

    fn write_group(&mut self) -> Result<(), ApiError> {
        let group = std::mem::take(&mut self.group);
        if group.micros.is_empty() {
            return Ok(());
        }
        let writer = self.writer.next_row_group().map_err(failed)?;
        group.write(writer).map_err(failed)
    }
}

impl Group {
    fn push(&mut self, line: &LineView) {
        self.micros.push(line.micros());
        let [_timestamp, texts @ ..] = line.csv_record();
        for ((column, text), optional) in self.texts.iter_mut().zip(texts).zip(OPTIONAL) {
            self.bytes += text.len();
            let is_there = !optional || !text.is_empty();
            column.levels.push(i16::from(is_there));
            if is_there {
                column.values.push(ByteArray::from(text.into_bytes()));
            }
        }
    }

    fn write(self, mut writer: SerializedRowGroupWriter<'_, Pipe>) -> Result<(), ParquetError> {
        if let Some(mut column) = writer.next_column()? {
            column
                .typed::<Int64Type>()
                .write_batch(&self.micros, None, None)?;
            column.close()?;
        }
        for (texts, optional) in self.texts.into_iter().zip(OPTIONAL) {
            if let Some(mut column) = writer.next_column()? {
                let levels = optional.then_some(&texts.levels[..]);
                column
                    .typed::<ByteArrayType>()
                    .write_batch(&texts.values, levels, None)?;
                column.close()?;
            }
        }
        writer.close()?;
        Ok(())
    }
}

fn failed(error: ParquetError) -> ApiError {
    ApiError::Internal(error.into())
}
