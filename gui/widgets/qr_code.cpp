#include "gui/widgets/qr_code.h"

#include <QPainter>
#include <memory>

#include <qrencode.h>

namespace lockstep::gui {

namespace {

constexpr int kQuietZone = 4;

}  // namespace

QImage qr_image(const QString& text) {
    const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
        QRcode_encodeString8bit(text.toUtf8().constData(), 0, QR_ECLEVEL_L), &QRcode_free);
    if (code == nullptr) return {};
    const int side = code->width + 2 * kQuietZone;
    QImage image(side, side, QImage::Format_RGB32);
    image.fill(Qt::white);
    for (int y = 0; y < code->width; ++y)
        for (int x = 0; x < code->width; ++x)
            if ((code->data[y * code->width + x] & 1) != 0)
                image.setPixel(x + kQuietZone, y + kQuietZone, qRgb(0, 0, 0));
    return image;
}

QrCode::QrCode(QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    setAccessibleName(tr("QR code of the link"));
}

void QrCode::setText(const QString& text) {
    image_ = qr_image(text);
    updateGeometry();
    update();
}

QSize QrCode::minimumSizeHint() const {
    return QSize(2, 2) * std::max(80, image_.width());
}

QSize QrCode::sizeHint() const {
    return QSize(4, 4) * std::max(60, image_.width());
}

void QrCode::paintEvent(QPaintEvent*) {
    if (image_.isNull()) return;
    // Whole pixels for each module, so that edges stay sharp.
    const int scale = std::max(1, std::min(width(), height()) / image_.width());
    const QSize size = image_.size() * scale;
    const QRect place(QPoint((width() - size.width()) / 2, (height() - size.height()) / 2), size);
    QPainter(this).drawImage(place, image_);
}

}  // namespace lockstep::gui
