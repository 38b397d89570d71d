//! Covers: a picture from outside becomes three of ours, and a colour that goes with them.
//!
//! What was sent is decoded within limits and thrown away; only what we have encoded is ever served. Pictures that are
//! programs (SVG) are refused.

use super::saving::locked;
use super::{NotTaken, object, preview};
use crate::audit::{self, Actor};
use crate::db::schema::book;
use crate::inspect::Refused;
use crate::seed::cover_path;
use crate::types::{Cover, Slug};
use crate::{Error, Shop};
use bytes::Bytes;
use diesel::prelude::*;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, RgbImage};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io::Cursor;
use tokio::sync::Semaphore;

/// Pixels of a picture that is taken: decoded, 3 bytes each.
const PIXELS: u64 = 20_000_000;
/// A side of it.
const SIDE: u32 = 12_000;
/// What a decoder may have in memory.
const MEMORY: u64 = 160_000_000;
/// Narrower ones would be blurred on every screen.
const NARROW: u32 = 240;
/// The best that libwebp's quality is worth on a photograph.
const QUALITY: f32 = 82.0;

/// One picture at a time: each may take a hundred megabytes for a moment.
pub(crate) static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

/// A cover in all its widths.
struct Pictures {
    key: String,
    accent: String,
    by_width: Vec<(u32, Vec<u8>)>,
    /// The largest once more as JPEG.
    preview: Vec<u8>,
}

impl Shop {
    /// Gives a book a cover. The same picture twice changes nothing.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing has changed then.
    pub async fn set_cover(&self, actor: &Actor, slug: &Slug, picture: Bytes) -> Result<(), NotTaken> {
        let (key, accent) = self.keep_cover(picture).await?;
        let (actor, slug, now) = (*actor, slug.clone(), self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let saved = locked(conn, &slug)?;
                if saved.cover_key.as_ref() == Some(&key) {
                    return Ok(());
                }
                diesel::update(book::table.find(saved.id))
                    .set((
                        book::cover_key.eq(&key),
                        book::accent.eq(&accent),
                        book::version.eq(book::version + 1),
                        book::updated_at.eq(now),
                    ))
                    .execute(conn)?;
                let before = saved.cover_key.map(|key| json!({ "cover": key }));
                audit::record(conn, &actor, "book.cover", object(&slug), before, Some(json!({ "cover": key })))
            })
            .await?;
        Ok(())
    }

    /// Keeps a picture as a cover that belongs to no book yet: its key and colour.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub async fn keep_cover(&self, picture: Bytes) -> Result<(String, String), NotTaken> {
        let turn = ONE_AT_A_TIME.acquire().await.map_err(|error| Error::internal(error.to_string()))?;
        // The turn is the work's: that goes on when nobody waits for it any more.
        let made = tokio::task::spawn_blocking(move || {
            let made = make(&picture);
            drop(turn);
            made
        });
        let made = made.await.map_err(|error| Error::internal(error.to_string()))??;
        for (width, content) in made.by_width {
            self.0.files.put(&cover_path(&made.key, width), content.into()).await.map_err(Error::from)?;
        }
        self.0.files.put(&preview::path(&made.key), made.preview.into()).await.map_err(Error::from)?;
        Ok((made.key, made.accent))
    }
}

fn refused(reason: impl Into<String>) -> Refused {
    Refused::Because(reason.into())
}

/// From the first bytes, whatever the file is called.
fn format_of(picture: &[u8]) -> Result<ImageFormat, Refused> {
    match picture {
        [0xff, 0xd8, 0xff, ..] => Ok(ImageFormat::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(ImageFormat::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(ImageFormat::WebP),
        other => {
            let start = String::from_utf8_lossy(other.get(..512).unwrap_or(other)).to_ascii_lowercase();
            if start.contains("<svg") || start.trim_start().starts_with("<?xml") {
                Err(refused("An SVG is a program as much as a picture and is not taken: export it as PNG."))
            } else {
                Err(refused("That is no picture that is taken: send a JPEG, PNG or WebP."))
            }
        }
    }
}

/// A picture from outside within our limits, the right way up. Each side has at least `least` pixels.
pub(crate) fn decoded(picture: &[u8], least: u32) -> Result<DynamicImage, Refused> {
    let format = format_of(picture)?;
    let broken = |_| refused("The picture is damaged. Was it sent as a whole?");
    let reader = || ImageReader::with_format(Cursor::new(picture), format);
    let (width, height) = reader().into_dimensions().map_err(broken)?;
    if width > SIDE || height > SIDE || u64::from(width) * u64::from(height) > PIXELS {
        return Err(refused(format!(
            "The picture has {width} × {height} pixels; at most 20 million are taken. 1600 × 2400 is plenty."
        )));
    }
    if width < least || height < least {
        return Err(refused(format!(
            "The picture has {width} × {height} pixels; at least {least} are needed, and 1600 × 2400 is good."
        )));
    }
    let mut limited = reader();
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(MEMORY);
    limited.limits(limits);
    let mut decoder = limited.into_decoder().map_err(broken)?;
    let orientation = decoder.orientation().map_err(broken)?;
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(broken)?;
    decoded.apply_orientation(orientation);
    Ok(decoded)
}

fn make(picture: &[u8]) -> Result<Pictures, Refused> {
    let whole = framed(&on_white(decoded(picture, NARROW)?));
    let accent = accent(&whole.thumbnail_exact(48, 72).to_rgb8());
    let mut digest = Sha256::new();
    let (mut by_width, mut largest) = (Vec::new(), RgbImage::default());
    for width in Cover::WIDTHS {
        let height = width * 3 / 2;
        let picture = whole.resize_exact(width, height, FilterType::Lanczos3).to_rgb8();
        let encoded = webp::Encoder::from_rgb(picture.as_raw(), width, height)
            .encode_simple(false, QUALITY)
            .map_err(|_| refused("The picture cannot be made into a cover."))?;
        digest.update(&*encoded);
        by_width.push((width, encoded.to_vec()));
        largest = picture;
    }
    let preview = preview::encoded(&largest).map_err(|_| refused("The picture cannot be made into a cover."))?;
    let key = hex::encode(digest.finalize().get(..8).unwrap_or_default());
    Ok(Pictures { key, accent, by_width, preview })
}

/// What shows through is white.
fn on_white(picture: DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return DynamicImage::ImageRgb8(picture.into_rgb8());
    }
    let picture = picture.into_rgba8();
    let mut solid = RgbImage::new(picture.width(), picture.height());
    for (to, from) in solid.pixels_mut().zip(picture.pixels()) {
        let [red, green, blue, alpha] = from.0.map(u32::from);
        let mixed = [red, green, blue].map(|part| (part * alpha + 255 * (255 - alpha)) / 255);
        to.0 = mixed.map(|part| u8::try_from(part).unwrap_or(u8::MAX));
    }
    DynamicImage::ImageRgb8(solid)
}

/// Two to three. What is nearly so loses its edges; anything else stands on its own margin, in the colour of its edge.
fn framed(picture: &DynamicImage) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    let wanted = width * 3 / 2;
    let off = wanted.abs_diff(height);
    if u64::from(off) * 100 <= u64::from(wanted) * 12 {
        return if height >= wanted {
            picture.crop_imm(0, (height - wanted) / 2, width, wanted.max(1))
        } else {
            let narrower = (height * 2 / 3).max(1);
            picture.crop_imm((width - narrower.min(width)) / 2, 0, narrower.min(width), height)
        };
    }
    let (large, tall) = (Cover::WIDTHS[2], Cover::WIDTHS[2] * 3 / 2);
    let fitted = picture.resize(large, tall, FilterType::Lanczos3).into_rgb8();
    let margin = edge(&fitted);
    let mut whole = RgbImage::from_pixel(large, tall, margin);
    let (left, top) = ((large - fitted.width().min(large)) / 2, (tall - fitted.height().min(tall)) / 2);
    image::imageops::replace(&mut whole, &fitted, i64::from(left), i64::from(top));
    DynamicImage::ImageRgb8(whole)
}

/// The mean colour along the edge.
fn edge(picture: &RgbImage) -> image::Rgb<u8> {
    let (right, bottom) = (picture.width().saturating_sub(1), picture.height().saturating_sub(1));
    let around = picture.enumerate_pixels().filter(|(x, y, _)| *x == 0 || *y == 0 || *x == right || *y == bottom);
    let (mut sum, mut count) = ([0_u64; 3], 0_u64);
    for (_, _, pixel) in around {
        for (sum, part) in sum.iter_mut().zip(pixel.0) {
            *sum += u64::from(part);
        }
        count += 1;
    }
    image::Rgb(sum.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX)))
}

/// A colour of the picture as `#rrggbb`: the one that there is most of, colourful ones counting more; dark enough for white
/// text on it (7:1).
fn accent(small: &RgbImage) -> String {
    let mut groups: HashMap<[u8; 3], (u64, [u64; 3])> = HashMap::new();
    for pixel in small.pixels() {
        let [red, green, blue] = pixel.0;
        let colourful = u64::from(red.max(green).max(blue) - red.min(green).min(blue));
        let weight = 16 + colourful;
        let (total, sums) = groups.entry(pixel.0.map(|part| part / 32)).or_default();
        *total += weight;
        for (sum, part) in sums.iter_mut().zip(pixel.0) {
            *sum += u64::from(part) * weight;
        }
    }
    let best = groups.into_iter().max_by_key(|(group, (total, _))| (*total, *group));
    let mut colour = best.map_or([61, 74, 92], |(_, (total, sums))| sums.map(|sum| sum / total.max(1)));
    while !carries_white(colour) {
        colour = colour.map(|part| part * 15 / 16);
    }
    let [red, green, blue] = colour;
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Whether white text has a contrast of 7:1 on it (WCAG 2.2, 1.4.6). A part's light is taken as its square, which is more
/// than sRGB's, so that the contrast is never less than it seems.
fn carries_white(colour: [u64; 3]) -> bool {
    let light: u64 = colour.iter().zip([2_126, 7_152, 722]).map(|(part, weight)| part * part * weight).sum();
    // 1.05 / (light + 0.05) ≥ 7
    light <= 255 * 255 * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(picture: &RgbImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    #[test]
    fn a_picture_becomes_three_of_two_to_three() {
        for (width, height) in [(800, 1_200), (800, 1_280), (1_000, 1_000), (300, 900), (1_200, 400)] {
            let picture = RgbImage::from_fn(width, height, |x, y| {
                image::Rgb([200, u8::try_from(x % 256).unwrap(), u8::try_from(y % 256).unwrap()])
            });
            let made = make(&png(&picture)).unwrap();
            assert_eq!(made.key.len(), 16);
            let preview = image::load_from_memory_with_format(&made.preview, ImageFormat::Jpeg).unwrap();
            assert_eq!((preview.width(), preview.height()), (960, 1_440));
            for (width, content) in made.by_width {
                let read = image::load_from_memory_with_format(&content, ImageFormat::WebP).unwrap();
                assert_eq!((read.width(), read.height()), (width, width * 3 / 2));
            }
        }
    }

    #[test]
    fn the_accent_is_the_covers_colour_and_carries_white_text() {
        for (colour, hue) in [([250, 220, 20], "yellow"), ([20, 40, 160], "blue"), ([255, 255, 255], "white")] {
            let mut picture = RgbImage::from_pixel(48, 72, image::Rgb([240, 240, 240]));
            for y in 0..30 {
                for x in 0..48 {
                    picture.put_pixel(x, y, image::Rgb(colour));
                }
            }
            let accent = accent(&picture);
            let part = |at| u64::from_str_radix(&accent[at..at + 2], 16).unwrap();
            let found = [part(1), part(3), part(5)];
            assert!(carries_white(found), "{accent}");
            match hue {
                "yellow" => assert!(found[0] > 2 * found[2] && found[1] > 2 * found[2], "{accent}"),
                "blue" => assert!(found[2] > 2 * found[0], "{accent}"),
                _ => assert!(found[0].abs_diff(found[2]) < 4, "{accent}"),
            }
        }
    }

    #[test]
    fn programs_bombs_and_broken_pictures_are_refused() {
        let said = |picture: &[u8]| make(picture).err().expect("it was taken").to_string();
        assert!(said(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").contains("SVG"));
        assert!(said(b"<?xml version='1.0'?><!DOCTYPE svg>").contains("SVG"));
        assert!(said(b"GIF89a").contains("JPEG, PNG or WebP"));
        let good = png(&RgbImage::new(300, 450));
        assert!(said(&good[..good.len() / 2]).contains("damaged"));
        assert!(said(&png(&RgbImage::new(100, 150))).contains("at least"));
        // A PNG that says it is 50 000 pixels wide and high: its header, with the right checksum, and no more.
        let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bomb.extend_from_slice(&50_000_u32.to_be_bytes());
        bomb.extend_from_slice(&50_000_u32.to_be_bytes());
        bomb.extend_from_slice(&[8, 2, 0, 0, 0]);
        let mut crc = u32::MAX;
        for byte in &bomb[12..] {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        bomb.extend_from_slice(&(!crc).to_be_bytes());
        bomb.extend_from_slice(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
        assert!(said(&bomb).contains("50000 × 50000"), "{}", said(&bomb));
    }
}
