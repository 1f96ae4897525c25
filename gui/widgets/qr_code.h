// A text as a QR code, black on white whatever the palette, as cameras want it.
#pragma once

#include <QImage>
#include <QWidget>

namespace lockstep::gui {

// One pixel for each module, with the quiet zone around; null when the text is too long.
QImage qr_image(const QString& text);

class QrCode : public QWidget {
    Q_OBJECT

  public:
    explicit QrCode(QWidget* parent = nullptr);

    void setText(const QString& text);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

  protected:
    void paintEvent(QPaintEvent* event) override;

  private:
    QImage image_;
};

}  // namespace lockstep::gui
