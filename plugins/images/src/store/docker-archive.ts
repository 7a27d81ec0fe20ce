import { type ArchivedImage, type ArchiveFiles, invalidArchive } from './archive-files.ts';
import { asArray, asObject, asText, asTexts, JsonShapeError } from './json.ts';
import { parseTag } from './reference.ts';

/** Images of an archive with a manifest.json, as `docker save` writes since 1.10. Errors: IMAGE_ARCHIVE_INVALID. */
export async function readDockerArchive(files: ArchiveFiles): Promise<ArchivedImage[]> {
  const text = await files.text('manifest.json');
  const images: ArchivedImage[] = [];
  for (const item of readManifest(text)) {
    images.push({
      configText: await files.text(item.config),
      layers: item.layers.map((path) => files.require(path)),
      names: item.tags.map(parseTag),
    });
  }
  return images;
}

function readManifest(text: string): { config: string; tags: string[]; layers: string[] }[] {
  try {
    return asArray(JSON.parse(text), 'manifest.json').map((value, i) => {
      const item = asObject(value, `manifest.json[${i}]`);
      return {
        config: asText(item['Config'], 'Config'),
        tags: asTexts(item['RepoTags'], 'RepoTags'),
        layers: asTexts(item['Layers'], 'Layers'),
      };
    });
  } catch (error) {
    if (!(error instanceof JsonShapeError || error instanceof SyntaxError)) throw error;
    throw invalidArchive(error.message);
  }
}
