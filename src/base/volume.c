/* SPDX-License-Identifier: MIT */
#include "base/volume.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"

#define FUSE_TYPE 0x65735546u

/* Numbers of <linux/magic.h> and of the file systems' own sources; js/cli/doctor/file.js has the same. */
static const struct {
  uint32_t type;
  const char *name;
} networks[] = {
    {0x6969u, "NFS"},  {0x517bu, "SMB"},      {0xff534d42u, "CIFS"}, {0xfe534d42u, "SMB2"},
    {0x01021997u, "9P"}, {0x00c36400u, "Ceph"}, {0x5346414fu, "AFS"},
};

/* Programs that show files of another machine. */
static const char *const fuse_networks[] = {"sshfs",  "rclone",    "s3fs", "gcsfuse", "goofys", "davfs", "davfs2", "curlftpfs",
                                            "smbnetfs", "glusterfs", "ceph", "ceph-fuse", "juicefs", "blobfuse", "blobfuse2"};

static void set(lj_volume *volume, lj_volume_kind kind, const char *name) {
  volume->kind = kind;
  lj_text_copy(volume->name, sizeof volume->name, name, strlen(name));
}

void lj_volume_from_type(uint32_t type, lj_volume *volume) {
  set(volume, type == FUSE_TYPE ? LJ_VOLUME_FUSE : LJ_VOLUME_LOCAL, type == FUSE_TYPE ? "FUSE" : "");
  for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++)
    if (networks[i].type == type) set(volume, LJ_VOLUME_NETWORK, networks[i].name);
}

void lj_volume_from_fuse(const char *subtype, lj_volume *volume) {
  set(volume, LJ_VOLUME_FUSE, subtype);
  for (size_t i = 0; i < sizeof fuse_networks / sizeof fuse_networks[0]; i++)
    if (strcmp(fuse_networks[i], subtype) == 0) volume->kind = LJ_VOLUME_NETWORK;
}

bool lj_volume_fuse_subtype(const char *line, unsigned major, unsigned minor, char *subtype, size_t size) {
  unsigned found[2] = {0, 0};
  if (sscanf(line, "%*u %*u %u:%u ", &found[0], &found[1]) != 2 || found[0] != major || found[1] != minor) return false;
  /* "id parent major:minor root mountpoint options [optional fields] - type source options": spaces in paths are escaped. */
  const char *type = strstr(line, " - fuse.");
  if (type == NULL) return false;
  type += sizeof " - fuse." - 1;
  lj_text_copy(subtype, size, type, strcspn(type, " \n"));
  return subtype[0] != '\0';
}
