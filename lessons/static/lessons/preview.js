// Draws JPEG frames as they arrive. When they arrive faster than they can be drawn, only the newest is kept.

export class Preview {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.next = null;
    this.busy = false;
    this.frames = 0;
    this.isPaused = false; // the first picture is shown all the same
  }

  async show(blob) {
    if (this.isPaused && this.canvas.dataset.frames) return;
    this.next = blob;
    if (this.busy) return;
    this.busy = true;
    while (this.next) {
      const newest = this.next;
      this.next = null;
      await this.draw(newest);
    }
    this.busy = false;
  }

  async draw(blob) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(blob);
    } catch {
      return; // a truncated frame; the next one follows in a moment
    }
    if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
      this.canvas.width = bitmap.width;
      this.canvas.height = bitmap.height;
    }
    this.context.drawImage(bitmap, 0, 0);
    bitmap.close();
    this.frames += 1;
    this.canvas.dataset.frames = this.frames;
  }
}
