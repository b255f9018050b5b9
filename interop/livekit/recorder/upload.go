package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/livekit/protocol/livekit"
)

// movie is the smallest MP4: its type, and the header of a movie without tracks.
var movie = append(box("ftyp", []byte("isom\x00\x00\x02\x00isommp41")), box("moov", box("mvhd", movieHeader()))...)

// box is a part of an MP4 (ISO/IEC 14496-12, section 4.2): its size, its type and its content.
func box(kind string, content []byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(8+len(content)))
	return append(append(head, kind...), content...)
}

// movieHeader describes a movie of one second (section 8.2.2, version 0).
func movieHeader() []byte {
	header := make([]byte, 100)
	for offset, value := range map[int]uint32{
		12: 1000,                       // units a second
		16: 1000,                       // length in units
		20: 0x00010000, 24: 0x01000000, // normal speed and volume
		36: 0x00010000, 52: 0x00010000, 68: 0x40000000, // the identity matrix
		96: 1, // the next track's id
	} {
		binary.BigEndian.PutUint32(header[offset:], value)
	}
	return header
}

// upload puts the movie into the bucket of the request, under its path and with its metadata, as LiveKit's
// recorder does. Without an endpoint the bucket would be on AWS, and nothing is uploaded.
func upload(output *livekit.EncodedFileOutput) error {
	to := output.GetS3()
	if to.GetEndpoint() == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client := s3.New(s3.Options{
		Region:       to.Region,
		BaseEndpoint: aws.String(to.Endpoint),
		UsePathStyle: to.ForcePathStyle,
		Credentials:  credentials.NewStaticCredentialsProvider(to.AccessKey, to.Secret, to.SessionToken),
	})
	_, err := client.PutObject(ctx, &s3.PutObjectInput{
		Bucket:      aws.String(to.Bucket),
		Key:         aws.String(output.Filepath),
		Body:        bytes.NewReader(movie),
		ContentType: aws.String("video/mp4"),
		Metadata:    to.Metadata,
	})
	return err
}
